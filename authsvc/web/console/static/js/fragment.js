// A piece of one of our own pages. An XMLHttpRequest reads it as a document: no text of ours ever becomes markup in a script.

export function fragment(address, selector, { method = "GET", headers = {}, body = null, signal } = {}) {
  return new Promise((found, lost) => {
    const request = new XMLHttpRequest();
    request.open(method, address);
    request.responseType = "document";
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.onload = () => {
      const piece = request.status === 200 && request.response?.querySelector(selector);
      if (piece) found(document.adoptNode(piece));
      else lost(new Error(`no ${selector} in the answer ${request.status}`));
    };
    request.onerror = request.onabort = () => lost(new Error("no answer"));
    signal?.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}
