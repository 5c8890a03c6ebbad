"""The page of a chat: its HTML, its assets, its words."""
