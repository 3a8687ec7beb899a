// Replaces parts of the page with those that the bridge sends, and shows a notice when the connection is lost. The
// bridge renders everything; this script only displays it.

const SILENCE_MS = 40_000; // the bridge sends a sign of life every 15 s
const AGAIN_MS = 3_000;

const root = document.documentElement;
const lost = document.getElementById("lost");
let source;
let heard = Date.now();
let lostSince = null;

connect();
setInterval(() => {
  if (Date.now() - heard > SILENCE_MS) connect();
}, AGAIN_MS);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && (lostSince || Date.now() - heard > SILENCE_MS)) connect();
});

function connect() {
  source?.close();
  if (Date.now() - heard > SILENCE_MS) lose();
  heard = Date.now();
  source = new EventSource(`events?lang=${root.dataset.language}&page=${root.dataset.page}`);
  source.addEventListener("build", ({ data }) => {
    listen();
    if (data !== root.dataset.build) location.reload();
  });
  source.addEventListener("alive", listen);
  source.addEventListener("message", ({ data }) => {
    listen();
    for (const [id, html] of Object.entries(JSON.parse(data))) replace(id, html);
  });
  const opened = source;
  source.addEventListener("error", () => {
    lose();
    // The browser reconnects by itself, except after an answer with an error status.
    if (opened.readyState === EventSource.CLOSED) setTimeout(() => opened === source && connect(), AGAIN_MS);
  });
}

function listen() {
  heard = Date.now();
  if (!lostSince) return;
  lostSince = null;
  lost.textContent = "";
  document.body.classList.remove("lost");
}

function lose() {
  if (lostSince) return;
  lostSince = new Date(heard);
  const time = lostSince.toLocaleTimeString(root.lang, {
    hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "Europe/Amsterdam",
  });
  lost.textContent = lost.dataset.says.replace("{time}", time);
  document.body.classList.add("lost");
}

function replace(id, html) {
  const before = document.getElementById(id);
  const template = document.createElement("template");
  template.innerHTML = html;
  const after = template.content.firstElementChild;
  if (!before || (id === "set" && before.dataset.points !== after.dataset.points)) {
    location.reload(); // a charge point has come or gone
    return;
  }
  morph(before, after);
}

// Changes one element to equal another without touching equal children, so that focus, selection and opened details
// are kept and animations do not restart.
function morph(before, after) {
  if (before.nodeType !== after.nodeType || before.nodeName !== after.nodeName) {
    before.replaceWith(after);
    return;
  }
  if (before.nodeType === Node.TEXT_NODE) {
    if (before.data !== after.data) before.data = after.data;
    return;
  }
  if (before.nodeType !== Node.ELEMENT_NODE) return;
  for (const { name } of [...before.attributes]) {
    if (name !== "open" && !after.hasAttribute(name)) before.removeAttribute(name);
  }
  for (const { name, value } of after.attributes) {
    if (before.getAttribute(name) !== value) before.setAttribute(name, value);
  }
  const [old, fresh] = [[...before.childNodes], [...after.childNodes]];
  old.slice(fresh.length).forEach((child) => child.remove());
  fresh.forEach((child, index) => (index < old.length ? morph(old[index], child) : before.append(child)));
}
