// Puts what the server sends into the page. Nothing is computed here: parts come rendered.
"use strict";

const body = document.body;
const lost = document.getElementById("lost");
const MOST_LINES = 3000;
let source = null;
let saidAt = 0;
let waiting = null;

function part(name) {
  return document.querySelector(`[data-part="${name}"]`);
}

function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

// What a node is through all changes: the name that the server gave it, or its kind.
function key(node) {
  return node.nodeType === 1 ? `${node.nodeName} ${node.dataset.key || node.id}` : node.nodeName;
}

// Make what is in `there` like what is in `wanted`. What stays is the same node, wherever it now
// stands, so it keeps its tick, its focus and what is opened in it.
function patch(there, wanted) {
  const left = [...there.childNodes];
  let place = there.firstChild;
  for (const next of [...wanted.childNodes]) {
    const i = left.findIndex((node) => key(node) === key(next));
    const node = i < 0 ? next : left.splice(i, 1)[0];
    if (node === place) place = place.nextSibling;
    else there.insertBefore(node, place);
    if (node !== next) update(node, next);
  }
  for (const node of left) node.remove();
}

function update(node, next) {
  if (node.isEqualNode(next)) return;
  if (node.nodeType !== 1 || node instanceof SVGElement) {
    node.replaceWith(next);
    return;
  }
  for (const { name } of [...node.attributes]) {
    if (!next.hasAttribute(name) && !(node.nodeName === "DETAILS" && name === "open")) node.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
  patch(node, next);
}

// Keep the focus, and what the reader looks at where it is, while something above it changes.
function steadily(change) {
  const focused = document.activeElement;
  const marks = [...document.querySelectorAll("h2, h3")];
  const mark = marks.filter((one) => one.getBoundingClientRect().top < 80).pop();
  const before = mark && mark.getBoundingClientRect().top;
  change();
  if (focused.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
  if (mark && mark.isConnected && window.scrollY > 0) window.scrollBy(0, mark.getBoundingClientRect().top - before);
}

function show(name, html) {
  const there = part(name);
  if (there) steadily(() => patch(there, parsed(html)));
}

// A screen reader hears a new state at once, and numbers twice a minute at most.
function say(sentence) {
  const there = part("said");
  if (!there) return;
  const state = sentence.split(",")[0];
  const now = Date.now();
  if (there.dataset.state !== state || now - saidAt > 30000) {
    if (there.dataset.state !== undefined || now - saidAt > 30000) there.textContent = sentence;
    there.dataset.state = state;
    saidAt = now;
  }
}

async function draw(number) {
  if (number === body.dataset.drawn || number === "0") return;
  if (!document.getSelection().isCollapsed) {
    waiting = number; // what is being copied is not taken away
    return;
  }
  waiting = null;
  const answer = await fetch(body.dataset.content, { credentials: "same-origin" });
  if (!answer.ok) return;
  const content = parsed(await answer.text());
  const main = content.querySelector("main");
  if (main) {
    body.dataset.drawn = number;
    const whole = document.createDocumentFragment();
    whole.append(main);
    const head = part("head");
    steadily(() => {
      if (head) patch(head, content);
      patch(part("main"), whole);
    });
  }
}

// Lines go to the end of the log; whoever looks at the end goes on looking at it.
function write(lines, anew) {
  const log = document.getElementById("log");
  if (!log || (anew && lines === "")) return;
  const atEnd = anew || log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const kept = anew ? [] : log.textContent.split("\n");
  log.textContent = [...kept, ...lines.split("\n")].slice(-MOST_LINES).join("\n");
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function listen() {
  if (source || !body.dataset.events || document.hidden) return;
  source = new EventSource(body.dataset.events);
  source.addEventListener("open", () => { lost.hidden = true; });
  source.addEventListener("error", () => { lost.hidden = false; });
  for (const name of ["list", "panel", "drawing"]) {
    source.addEventListener(name, (event) => show(name, event.data));
  }
  source.addEventListener("said", (event) => say(event.data));
  source.addEventListener("drawn", (event) => draw(event.data).catch(() => { waiting = event.data; }));
  source.addEventListener("log", (event) => write(event.data, true));
  source.addEventListener("more", (event) => write(event.data, false));
  source.addEventListener("gone", (event) => {
    lost.textContent = event.data;
    lost.hidden = false;
    source.close();
  });
}

function rest() {
  if (source) source.close();
  source = null;
}

document.addEventListener("visibilitychange", () => (document.hidden ? rest() : listen()));
document.addEventListener("selectionchange", () => {
  if (waiting !== null && document.getSelection().isCollapsed) draw(waiting).catch(() => {});
});
window.addEventListener("pagehide", rest);
window.addEventListener("pageshow", listen);
listen();
