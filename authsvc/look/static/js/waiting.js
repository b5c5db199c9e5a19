// Whoever waits sees that something goes on: a bar along the top, and a sentence for those who listen, once it takes long.

const LONG = 300; // Milliseconds within which an answer is at once.

let spoken;

/** Something was begun that another page ends, or `waiting(false)`. */
export function waiting(is = true) {
  document.documentElement.toggleAttribute("data-waiting", is);
  clearTimeout(spoken);
  spoken = is ? setTimeout(say, LONG, document.body.dataset.waiting) : say("");
}

function say(sentence = "") {
  const place = document.getElementById("still-waiting") ?? document.createElement("p");
  place.id = "still-waiting";
  place.className = "unseen";
  place.setAttribute("role", "status");
  place.textContent = sentence;
  document.body.append(place);
}
