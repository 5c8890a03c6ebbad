// The endpoint's address, for the page and for the person who copies it.

import { endpointFor } from "./endpoint.js";
import { useControls } from "./lazy.js";
import { main, part } from "./parts.js";

export const rendered = main.dataset.endpoint;
export const isElsewhere = main.dataset.elsewhere !== undefined;
export const endpoint = endpointFor(location, rendered, isElsewhere);

part("address").value = endpoint;
part("copy").addEventListener("click", () => {
  const select = () => part("address").select();
  select();
  useControls(({ copyText }) => copyText(part("copy"), endpoint, select));
});
