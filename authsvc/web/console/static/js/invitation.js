// An invitation stands behind the `#` of its link, where no server and no log sees it. We post it, and clear the address.

addEventListener("hashchange", takeUp); // A link that is opened while this page is open already.
takeUp();

function takeUp() {
  const found = location.hash.slice(1);
  if (!found.startsWith("oi_")) return;
  history.replaceState(null, "", location.pathname);
  const form = document.getElementById("invitation-form");
  form.elements.invitation.value = found;
  form.requestSubmit();
}
