// The page of a conversation that is kept.

import { kept } from "./kept.js";
import { startRoom } from "./room.js";

startRoom(kept);
