// A secret of this browser: 192 random bits in base64url (RFC 4648, section 5), 32 characters.

export function newSecret() {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}
