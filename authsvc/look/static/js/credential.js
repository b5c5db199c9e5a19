// WebAuthn's options and answers as JSON: the browser's own conversion where it has one that works, the same by hand elsewhere.

const BUFFERS = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];

export function requestOptions(json) {
  return (
    attempt(() => PublicKeyCredential.parseRequestOptionsFromJSON(json)) ?? {
      ...json,
      challenge: bytes(json.challenge),
      allowCredentials: (json.allowCredentials ?? []).map(withBytes),
    }
  );
}

export function creationOptions(json) {
  return (
    attempt(() => PublicKeyCredential.parseCreationOptionsFromJSON(json)) ?? {
      ...json,
      challenge: bytes(json.challenge),
      user: { ...json.user, id: bytes(json.user.id) },
      excludeCredentials: (json.excludeCredentials ?? []).map(withBytes),
    }
  );
}

/** Extensions put credentials of their own in the browser's place, and their `toJSON` throws or says nothing. */
export function asJson(credential) {
  const json = attempt(() => credential.toJSON());
  return typeof json?.response?.clientDataJSON === "string" ? json : byHand(credential);
}

function byHand(credential) {
  const { response } = credential;
  const said = {};
  // An empty user handle means that there is none.
  for (const name of BUFFERS) if (response[name]?.byteLength) said[name] = text(response[name]);
  const transports = attempt(() => response.getTransports());
  if (transports) said.transports = transports;
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response: said,
    authenticatorAttachment: credential.authenticatorAttachment ?? null,
    clientExtensionResults: attempt(() => credential.getClientExtensionResults()) ?? {},
  };
}

/** What this browser can do; null where it has no such method, or one that fails. */
function attempt(work) {
  try {
    return work() ?? null;
  } catch {
    return null;
  }
}

const withBytes = (each) => ({ ...each, id: bytes(each.id) });

export function bytes(base64url) {
  const base64 = base64url.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  const base64 = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
