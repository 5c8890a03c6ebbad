// Secrets of this browser, which nobody can guess.

import { recall, remember } from "./storage.js";

// 192 random bits in base64url (RFC 4648, section 5), which are 32 characters.
export function newSecret(key) {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  const secret = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
  remember("localStorage", key, secret);
  return secret;
}

// Returns the secret that was made under a key before, or makes one.
export function ownSecret(key) {
  const secret = recall("localStorage", key);
  return /^[\w-]{32,64}$/.test(secret) ? secret : newSecret(key);
}
