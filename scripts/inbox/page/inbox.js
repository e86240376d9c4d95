/**
 * The inbox's page. All text from a mail goes through textContent, and its HTML only into a sandboxed frame, so that
 * nothing in a mail can act on this page.
 */
const POLL_MS = 1_000;

const $ = (id) => document.getElementById(id);

/** An element with properties and children; strings become text. */
function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const state = { version: null, messages: [], chosen: null, message: null, tab: null, seen: new Set() };

const size = (bytes) =>
  bytes < 1_000
    ? `${bytes} B`
    : bytes < 1_000_000
      ? `${(bytes / 1_000).toFixed(1)} kB`
      : `${(bytes / 1_000_000).toFixed(1)} MB`;

function when(iso) {
  const at = new Date(iso);
  const today = at.toDateString() === new Date().toDateString();
  return at.toLocaleString([], today ? { timeStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" });
}

async function poll() {
  try {
    if (document.visibilityState === "visible") {
      const response = await fetch(state.version === null ? "/messages" : `/messages?since=${state.version}`);
      if (response.status === 200) {
        const { version, messages, smtp } = await response.json();
        Object.assign(state, { version, messages });
        $("smtp").textContent = smtp;
        drawList();
      }
    }
  } catch {
    $("count").textContent = "The inbox has stopped; start it again with npm start.";
    // A new inbox counts from the beginning.
    state.version = null;
  }
  setTimeout(poll, POLL_MS);
}

function drawList() {
  const focused = document.activeElement?.dataset?.id;
  $("list").replaceChildren(
    ...state.messages.map((message) => {
      const row = element(
        "a",
        { className: state.seen.has(message.id) ? "row seen" : "row", href: `#${message.id}` },
        element("span", { className: "subject", textContent: message.subject || "(no subject)" }),
        element("span", { className: "small", textContent: message.from || "(no sender)" }),
        element("span", { className: "small", textContent: `to ${message.envelope.to.join(", ")}` }),
        element("span", {
          className: "small",
          textContent: `${when(message.at)} · ${size(message.bytes)}${message.attachments > 0 ? ` · ${message.attachments} attached` : ""}`,
        }),
      );
      row.dataset.id = message.id;
      if (message.id === state.chosen) row.setAttribute("aria-current", "true");
      return row;
    }),
  );
  if (focused !== undefined) rowOf(focused)?.focus();
  const count = state.messages.length;
  $("count").textContent = count === 0 ? "" : `${count} ${count === 1 ? "message" : "messages"}`;
  document.title = count === 0 ? "Inbox" : `(${count}) Inbox`;
  $("clear").hidden = count === 0;
  drawReader();
}

const rowOf = (id) => [...$("list").children].find((row) => row.dataset.id === id);

function drawReader() {
  $("empty").hidden = state.messages.length > 0;
  $("choose").hidden = state.messages.length === 0 || state.message !== null;
  $("message").hidden = state.messages.length === 0 || state.message === null;
}

async function choose() {
  const id = location.hash.slice(1) || null;
  state.chosen = id;
  state.message = null;
  if (id !== null) {
    const response = await fetch(`/messages/${encodeURIComponent(id)}`).catch(() => null);
    if (state.chosen !== id) return;
    if (response?.ok) {
      state.message = await response.json();
      state.seen.add(id);
      drawMessage();
    }
  }
  drawList();
}

function drawMessage() {
  const { message } = state;
  $("subject").textContent = message.subject || "(no subject)";
  const facts = [
    ["From", message.from],
    ["To", message.to.join(", ")],
    ["Cc", message.cc.join(", ")],
    ["Reply to", message.replyTo.join(", ")],
    ["Envelope", `${message.envelope.from || "<>"} → ${message.envelope.to.join(", ")}`],
    ["Arrived", `${new Date(message.at).toLocaleString()} · ${size(message.bytes)}`],
  ];
  $("facts").replaceChildren(
    ...facts
      .filter(([, value]) => value !== "")
      .flatMap(([name, value]) => [
        element("dt", { textContent: name }),
        element("dd", { textContent: value }),
      ]),
  );
  $("attachments").replaceChildren(
    ...message.attachments.map((one) =>
      element("a", {
        className: "button",
        href: `${one.url}?download`,
        download: one.name,
        textContent: `${one.name} · ${one.type} · ${size(one.bytes)}`,
      }),
    ),
  );
  const views = { HTML: message.html !== null, Text: message.text !== null, Headers: true, Source: true };
  const offered = Object.keys(views).filter((name) => views[name]);
  if (!offered.includes(state.tab)) state.tab = offered[0];
  $("tabs").replaceChildren(
    ...offered.map((name) => {
      const tab = element("button", { type: "button", textContent: name, id: `tab-${name}` });
      tab.setAttribute("role", "tab");
      tab.onclick = () => {
        state.tab = name;
        drawView();
      };
      return tab;
    }),
  );
  drawView();
}

async function drawView() {
  const { message, tab } = state;
  for (const one of $("tabs").children) {
    const selected = one.textContent === tab;
    one.setAttribute("aria-selected", String(selected));
    one.tabIndex = selected ? 0 : -1;
  }
  // So that the arrow keys can scroll it.
  $("view").tabIndex = 0;
  $("view").setAttribute("aria-labelledby", `tab-${tab}`);
  const base = `/messages/${message.id}`;
  if (tab === "HTML") {
    const frame = element("iframe", { title: "The mail's HTML" });
    frame.setAttribute("sandbox", "allow-popups allow-popups-to-escape-sandbox");
    frame.src = `${base}/html`;
    $("view").replaceChildren(frame);
  } else if (tab === "Text") {
    $("view").replaceChildren(element("pre", { textContent: message.text }));
  } else if (tab === "Headers") {
    const rows = message.headers.map(({ name, value }) =>
      element(
        "tr",
        {},
        element("th", { scope: "row", textContent: name }),
        element("td", { textContent: value }),
      ),
    );
    $("view").replaceChildren(element("table", {}, element("tbody", {}, ...rows)));
  } else {
    const source = await (await fetch(`${base}/raw`)).text();
    if (state.message !== message || state.tab !== tab) return;
    const save = element("a", {
      className: "button",
      href: `${base}/raw?download`,
      textContent: "Download .eml",
    });
    $("view").replaceChildren(element("pre", {}, save, "\n\n", source));
  }
}

/** Arrow keys (and j, k) go through the list, and left and right through the views when one of them has the focus. */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const tabs = [...$("tabs").children];
  const tab = tabs.indexOf(document.activeElement);
  const sideways = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (tab !== -1 && sideways !== undefined) {
    const next = tabs[(tab + sideways + tabs.length) % tabs.length];
    next.click();
    next.focus();
    return;
  }
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  // In the text of a mail the arrow keys scroll.
  if (step === undefined || $("view").contains(document.activeElement)) return;
  const at = state.messages.findIndex((message) => message.id === state.chosen);
  const next = state.messages[at === -1 ? 0 : Math.min(Math.max(at + step, 0), state.messages.length - 1)];
  if (next === undefined) return;
  event.preventDefault();
  location.hash = next.id;
  rowOf(next.id)?.focus();
}

$("clear").onclick = async () => {
  await fetch("/messages", { method: "DELETE" });
  history.replaceState(null, "", "/");
  Object.assign(state, { messages: [], chosen: null, message: null });
  drawList();
};
addEventListener("hashchange", choose);
addEventListener("keydown", onKey);
await choose();
poll();
