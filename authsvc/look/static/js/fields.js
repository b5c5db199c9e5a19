// What a field lacks, said beside it in the page's language. Without a script the browser says it, in its own.

/** Whether these fields hold what they ask for; what is wrong is said at each of them, and the first one gets the focus. */
export function areFilled(fields) {
  const faulty = [...fields].filter((field) => field.willValidate && !field.checkValidity());
  faulty.forEach(complain);
  faulty[0]?.focus();
  return faulty.length === 0;
}

function complain(field) {
  const place = placeOf(field);
  const kind = field.validity.valueMissing ? "missing" : "wrong";
  place.textContent = field.dataset[kind] ?? document.body.dataset[kind];
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-errormessage", place.id);
  const around = field.closest("fieldset") ?? field;
  around.addEventListener("input", () => forgive(field, place), { once: true });
}

function forgive(field, place) {
  place.textContent = "";
  field.removeAttribute("aria-invalid");
  field.removeAttribute("aria-errormessage");
}

/** Behind the field; of several that are chosen from, behind all of them. */
function placeOf(field) {
  const id = `fault-${field.name}`;
  const place = document.getElementById(id) ?? document.createElement("p");
  if (place.id) return place;
  place.id = id;
  place.className = "fault";
  place.setAttribute("role", "alert");
  const group = field.type === "radio" ? field.closest("fieldset") : null;
  if (group) group.append(place);
  else field.after(place);
  return place;
}
