// The endpoint's address, for the page and for the person who copies it.

import { copyText } from "./clipboard.js";
import { endpointFor } from "./endpoint.js";
import { main, part } from "./parts.js";

export const rendered = main.dataset.endpoint;
export const isElsewhere = main.dataset.elsewhere !== undefined;
export const endpoint = endpointFor(location, rendered, isElsewhere);

part("address").value = endpoint;
part("copy").addEventListener("click", () => {
  copyText(part("copy"), endpoint, () => part("address").select());
});
