// What a page without Markdown asks for once there may be a link in a text.

import { LinkedText } from "./linked_text.js";

document.currentScript.views = { text: LinkedText };
