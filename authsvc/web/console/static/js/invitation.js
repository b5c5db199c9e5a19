// An invitation stands behind the `#` of its link, where no server and no log sees it. We post it, and clear the address.

const found = location.hash.slice(1);
if (found.startsWith("oi_")) {
  history.replaceState(null, "", location.pathname);
  const form = document.getElementById("invitation-form");
  form.elements.invitation.value = found;
  form.requestSubmit();
}
