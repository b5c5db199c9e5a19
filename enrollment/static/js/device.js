// A device key: made at enrolment, used at a challenge. The browser asks the person; we only carry its answer.

import { Refused, Steps, explain, goOn, say } from "./relay.js";
import { asJson, creationOptions, requestOptions } from "./credential.js";

const element = document.getElementById("device");
const saying = document.getElementById("say");
const start = document.getElementById("start");
const named = document.getElementById("name");
const steps = new Steps(element);
const ceremonies = { get: prove, create: register };

start.addEventListener("click", async () => {
  if (named && !named.reportValidity()) return;
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

start.disabled = false; // Only now does somebody listen.

async function prove() {
  const { publicKey } = await steps.begin();
  say(saying, "asking");
  await steps.answer(asJson(await navigator.credentials.get({ publicKey: requestOptions(publicKey) })));
}

async function register() {
  const name = named.value.trim();
  const { publicKey } = await steps.begin();
  if (!publicKey) return steps.answer({ name });
  say(saying, "asking");
  const made = await navigator.credentials.create({ publicKey: creationOptions(publicKey) });
  return steps.answer({ name, credential: asJson(made) });
}

function tell(error) {
  if (error instanceof Refused) explain(error, saying);
  else say(saying, { NotAllowedError: "refused", InvalidStateError: "known" }[error.name] ?? "unsupported");
}
