// What differs between a room in which people talk and one with a bot in it and one person, who has
// no use for the half of it.

export const setting = {};

export function choose(own) { Object.setPrototypeOf(setting, own); }
