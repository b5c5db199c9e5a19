// Instants by the operator's own clock; the server's UTC stays where one points at it (`page.js`). Without this script UTC is shown.

const shown = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });

document.cookie = `east=${-new Date().getTimezoneOffset()}; path=/console; SameSite=Lax; max-age=31536000`;

for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) continue;
  time.textContent = shown.format(at);
}
