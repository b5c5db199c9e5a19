// Is this receipt good for my payment, and is this webhook from the service? Node 18 or later, nothing to install.
//
//   node verify.mjs receipts receipt-v1.json     prints what each case of the published vectors comes to

import { createHash, createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

export class Refused extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/** `payment` is your own record of it. The claims, if the receipt is good at `now` (seconds since 1970); throws Refused. */
export function verifyReceipt(receipt, { jwks, audience, issuer, payment, now, toleratedWarnings = [] }) {
  if (typeof receipt !== "string" || receipt.length > 8192) throw new Refused("malformed");
  const parts = receipt.split(".");
  if (parts.length !== 3 || !parts.every((part) => /^[A-Za-z0-9_-]+$/.test(part))) throw new Refused("malformed");
  // 1. It is a receipt, and not another token of the same service.
  const header = json(parts[0]);
  if (header.typ !== "stepup-receipt+jwt" || header.alg !== "ES256" || "crit" in header) throw new Refused("malformed");
  // 2. The service signed it, for us.
  const jwk = jwks.keys.find((key) => key.kid === header.kid && key.kty === "EC" && key.crv === "P-256");
  if (!jwk) throw new Refused("unknown-key");
  const key = { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" };
  const signature = Buffer.from(parts[2], "base64url");
  if (!verify("sha256", Buffer.from(`${parts[0]}.${parts[1]}`), key, signature)) throw new Refused("signature");
  const claims = json(parts[1]);
  if (claims.iss !== issuer) throw new Refused("issuer");
  if (claims.aud !== audience) throw new Refused("audience");
  // 3. It is good now.
  if (!Number.isInteger(claims.iat) || !Number.isInteger(claims.exp)) throw new Refused("malformed");
  if (now >= claims.exp) throw new Refused("expired");
  if (claims.iat - now > 60) throw new Refused("not-yet");
  if (claims.exp - claims.iat > 300) throw new Refused("too-long");
  // 4. It is for this payment and this payer.
  if (claims.binding?.v !== 1 || claims.binding.digest !== digest(payment)) throw new Refused("other-payment");
  if (claims.sub !== payment.user_id || claims.aud !== payment.client) throw new Refused("other-payer");
  // 5. It lets the payment go, and no frightening setting stands behind it.
  if (!["approved", "exempted", "authenticated"].includes(claims.status)) throw new Refused("not-released");
  if ((claims.warnings ?? []).some((each) => !toleratedWarnings.includes(each))) throw new Refused("warnings");
  return claims;
}

/** The binding of a payment, version 1: docs/binding.md. */
export function digest(payment) {
  const { amount_minor, client, currency, payee, transaction_id, type, user_id } = payment;
  // Members stand in the order of their names, and JSON.stringify escapes nothing but `"` and `\` of what a payment may hold.
  const canonical = JSON.stringify({
    amount_minor,
    client,
    currency,
    payee: { id: payee.id, name: payee.name.normalize("NFC") },
    transaction_id,
    type,
    user_id,
  });
  return "sha256:" + createHash("sha256").update("authsvc-payment-binding-v1\0").update(canonical).digest("hex");
}

/** `headers` by lower-case name, `body` the raw bytes as they came. The event, if it is from the service; throws Refused. */
export function verifyWebhook(headers, body, secret, now) {
  const [id, timestamp, signatures] = ["id", "timestamp", "signature"].map((name) => headers[`webhook-${name}`]);
  if (!id || !signatures || !/^[0-9]{1,11}$/.test(timestamp ?? "")) throw new Refused("incomplete");
  if (Math.abs(now - Number(timestamp)) > 300) throw new Refused("stale");
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  if (key.length === 0) throw new Error("a webhook secret is `whsec_` and base64");
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  const good = signatures.split(" ").some((each) => {
    const shown = each.startsWith("v1,") ? Buffer.from(each.slice(3), "base64") : Buffer.alloc(0);
    return shown.length === expected.length && timingSafeEqual(shown, expected);
  });
  if (!good) throw new Refused("signature");
  return JSON.parse(body.toString("utf8"));
}

function json(part) {
  try {
    const value = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    if (value && typeof value === "object" && !Array.isArray(value)) return value;
  } catch {}
  throw new Refused("malformed");
}

function verdict(check) {
  try {
    check();
    return "ok";
  } catch (refused) {
    if (refused instanceof Refused) return refused.reason;
    throw refused;
  }
}

const KINDS = {
  bindings: (file) => file.accepted.map((each) => [each.name, digest(each.payment)]),
  receipts: (file) =>
    file.cases.map((each) => {
      const { audience, issuer, payment, now, tolerated_warnings: toleratedWarnings } = each;
      const expected = { jwks: file.jwks, audience, issuer, payment, now, toleratedWarnings };
      return [each.name, verdict(() => verifyReceipt(each.receipt, expected))];
    }),
  webhooks: (file) =>
    file.cases.map((each) => [
      each.name,
      verdict(() => verifyWebhook(each.headers, Buffer.from(each.body), each.secret, each.now)),
    ]),
};

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [kind, path] = process.argv.slice(2);
  for (const [name, came] of KINDS[kind](JSON.parse(readFileSync(path, "utf8")))) console.log(`${name}\t${came}`);
}
