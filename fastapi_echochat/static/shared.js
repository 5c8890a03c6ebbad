// The page of a room in which people talk.

import { people } from "./people.js";
import { startRoom } from "./room.js";

startRoom(people);
