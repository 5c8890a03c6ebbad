// What a conversation needs and an empty page does not.

import { Rows } from "./buttons.js";
import { copyText } from "./clipboard.js";
import { menu } from "./menu.js";

document.currentScript.controls = { Rows, copyText, menu };
