// Secure Payment Confirmation: the browser itself shows amount and payee, and what it showed is what the key signs.

import { bytes } from "./credential.js";

const METHOD = "secure-payment-confirmation";

/** The browser's own way to confirm this payment; null where it has none, and the plain assertion is asked for instead. */
export async function confirmation({ data, total }) {
  try {
    const request = new PaymentRequest([{ supportedMethods: METHOD, data: asBytes(data) }], { total });
    return (await request.canMakePayment()) ? request : null;
  } catch {
    return null;
  }
}

/** The credential that signed what was shown; rejects where the person, or this device, says no. */
export async function confirmed(request) {
  const answer = await request.show();
  await answer.complete("success");
  return answer.details;
}

function asBytes(data) {
  return { ...data, challenge: bytes(data.challenge), credentialIds: data.credentialIds.map(bytes) };
}
