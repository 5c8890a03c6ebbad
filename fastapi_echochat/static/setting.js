// The setting of this room: people among each other, or one alone with a bot, who has no use for
// the half of it.

import { kept } from "./kept.js";
import { main } from "./parts.js";
import { people } from "./people.js";

export const setting = main.dataset.rooms === "private" ? kept : people;
