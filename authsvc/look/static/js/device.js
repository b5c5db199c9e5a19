// A device key: made at enrollment, used at a challenge. The browser asks the person; we only carry its answer.

import { areFilled } from "./fields.js";
import { Refused, Steps, explain, goOn, say } from "./relay.js";
import { asJson, creationOptions, requestOptions } from "./credential.js";
import { confirmation, confirmed } from "./payment.js";

const element = document.getElementById("device");
const saying = document.getElementById("say");
const start = document.getElementById("start");
const named = document.getElementById("name");
const without = document.getElementById("without"); // Where a device can be registered that makes no key.
const steps = new Steps(element);
const ceremonies = { get: prove, create: register };
let plainly = false;

start.addEventListener("click", async () => {
  if (named && !areFilled([named])) return;
  start.disabled = true;
  try {
    await ceremonies[element.dataset.ceremony]();
    say(saying, "sending");
    goOn();
  } catch (error) {
    tell(error);
    start.disabled = false;
  }
});

// Where a form without a key lies around the name, Enter must not choose it.
named?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  start.click();
});

start.disabled = false; // Only now does somebody listen.
if (!window.PublicKeyCredential) offerWithout();

async function prove() {
  const { publicKey, paymentRequest } = await steps.begin();
  const shown = paymentRequest && !plainly ? await confirmation(paymentRequest) : null;
  say(saying, "asking");
  // Whatever became of the browser's own form, the next try is the plain one: this device may have no key for it.
  plainly = shown !== null;
  const made = asJson(await (shown ? confirmed(shown) : asserted(publicKey)));
  await steps.answer(element.dataset.states ? { format: element.dataset.states, statement: made } : made);
}

function asserted(publicKey) {
  return navigator.credentials.get({ publicKey: requestOptions(publicKey) });
}

async function register() {
  const name = named?.value.trim() ?? "";
  const { publicKey } = await steps.begin();
  if (!publicKey) return steps.answer({ name });
  say(saying, "asking");
  return steps.answer({ name, credential: asJson(await created(publicKey)) });
}

/** A key, made for payments where that was asked; a device that cannot make such a key makes a plain one. */
async function created(publicKey) {
  try {
    return await navigator.credentials.create({ publicKey: creationOptions(publicKey) });
  } catch (error) {
    if (error.name !== "NotSupportedError" || !publicKey.extensions?.payment) throw error;
    return navigator.credentials.create({ publicKey: creationOptions(withoutPayment(publicKey)) });
  }
}

function withoutPayment({ extensions: { payment, ...extensions }, authenticatorSelection, ...options }) {
  const { authenticatorAttachment, ...selection } = authenticatorSelection;
  return { ...options, extensions, authenticatorSelection: selection };
}

function tell(error) {
  if (error instanceof Refused) return explain(error, saying);
  const said = { NotAllowedError: "refused", AbortError: "refused", InvalidStateError: "known" }[error.name] ?? "unsupported";
  say(saying, said);
  if (without && said !== "known") without.open = true;
}

/** This browser can make no key, and says so before anybody has tried. */
function offerWithout() {
  say(saying, "unsupported");
  if (!without) return;
  without.open = true;
  start.hidden = true;
}
