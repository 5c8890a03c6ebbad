"""Every word that the page shows."""

ENGLISH = {
    "you": "You",
    "answer": "Answer",
    "messages": "Messages",
    "message": "Message",
    "send": "Send",
    "hint": "Enter sends, Shift+Enter makes a new line, the up arrow brings back the last message.",
    "newest": "Go to the newest message",
    "address": "WebSocket address",
    "copy_address": "Copy",
    "copied": "Copied",
    "round_trip": "Last answer after {ms} ms",
    "connecting": "Connecting…",
    "connected": "Connected",
    "lost": "Connection lost. Connecting again…",
    "restarting": "The server is restarting. Connecting again…",
    "unreachable": "The server does not answer. Connecting again…",
    "refused": (
        "The server answers, but takes no connection: it may be full, or a proxy in front of it "
        "may not pass WebSockets on. Trying again…"
    ),
    "signed_out": "You are signed out, or may not come in here. Sign in again, then try again.",
    "not_allowed": (
        "Not allowed from this address: this page is at {page}, but the server was asked for "
        "{server}. Either the proxy passes the host on (nginx: proxy_set_header Host $host), or "
        "the application names this address: EchoChat(allowed_origins=[{origin}])."
    ),
    "try_again": "Try again",
    "waiting": "Waiting for the connection",
    "failed": "Not answered: {detail}",
    "too_long": "Too long to send: {size} of at most {limit} bytes. Shorten it.",
    "no_script": "This chat needs JavaScript.",
}
"""The page's words in English. What stands in braces is filled in by the page."""
