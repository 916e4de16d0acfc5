// What is live in the inbox: new cards, countdowns, keys, notifications. Without it the page works by itself.
"use strict";

const list = document.getElementById("waiting");
const started = performance.now();

function countDown() {
  for (const left of document.querySelectorAll("[data-expires]")) {
    // The server's clock when the card was rendered, and ours since: the two clocks need not agree.
    const since = (performance.now() - Number(left.dataset.seen || started)) / 1000;
    const seconds = Math.max(0, Math.round(Number(left.dataset.expires) - Number(left.dataset.now) - since));
    const minutes = Math.floor(seconds / 60);
    left.textContent = seconds ? `${minutes}:${String(seconds % 60).padStart(2, "0")} left` : "expired";
    left.classList.toggle("soon", seconds < 60);
  }
}

function cards(root) {
  return new Map([...root.querySelectorAll("article.call")].map((card) => [card.id, card]));
}

async function refresh() {
  const wanted = new URLSearchParams(location.pathname === "/inbox" ? location.search : "");
  wanted.set("fragment", "true");
  const response = await fetch(`/inbox?${wanted}`, { credentials: "same-origin", redirect: "manual" });
  tellGone(response.type === "opaqueredirect" ? "session" : "");
  if (!response.ok) return;
  const fresh = document.createElement("div");
  fresh.append(...new DOMParser().parseFromString(await response.text(), "text/html").body.childNodes);
  document.getElementById("switches").replaceWith(fresh.querySelector("#switches"));
  takeToken(fresh);
  const before = cards(list);
  const after = cards(fresh);
  for (const [id, card] of before) {
    // What somebody is typing stays; an answered card goes.
    if (!after.has(id)) card.remove();
    else if (after.get(id).dataset.state !== card.dataset.state) card.replaceWith(after.get(id));
  }
  const added = [...after].filter(([id]) => !before.has(id)).map(([, card]) => card);
  for (const card of added.reverse()) {
    card.classList.add("new");
    for (const left of card.querySelectorAll("[data-expires]")) left.dataset.seen = performance.now();
    document.getElementById("bulk").after(card);
  }
  const bulk = fresh.querySelector("#bulk");
  const total = Number(bulk.dataset.total);
  const empty = list.querySelector(".empty");
  if (after.size && empty) empty.remove();
  if (!after.size) list.replaceChildren(...fresh.childNodes);
  else document.getElementById("bulk").replaceWith(bulk);
  document.getElementById("count").textContent = total;
  document.title = document.title.replace(/^(\(\d+\) )?/, total ? `(${total}) ` : "");
  countDown();
  offerSearch(list);
  if (added.length && notifies()) {
    new Notification(document.getElementById("notify").dataset.said, { body: added[0].querySelector("h2").textContent, tag: added[0].id });
  }
}

// Whoever has logged in again in another tab goes on here: their forms are those of the new session.
function takeToken(fresh) {
  if (fresh.querySelector("#bulk").dataset.person !== document.getElementById("bulk").dataset.person) return;
  const token = fresh.querySelector("input[name=csrf]")?.value;
  for (const field of token ? document.querySelectorAll("input[name=csrf]") : []) field.value = token;
}

function tellGone(what) {
  const gone = document.getElementById("gone");
  gone.hidden = !what;
  gone.textContent = what ? gone.dataset[what] : "";
}

// A form that is sent to a server that is gone would lose what is typed in it.
function keepTyped(event) {
  const gone = document.getElementById("gone");
  const form = event.target.closest("article.call form");
  if (form?.elements.following) form.elements.following.value = neighbour(form.closest("article.call"))?.id || "";
  if (!gone || gone.hidden) return keepUntilLogin(form);
  event.preventDefault();
  gone.scrollIntoView();
}

// One that is sent without a session leads to the login and back to its card, where it is filled in again.
function keepUntilLogin(form) {
  if (!form) return;
  const typed = [...new FormData(form)].filter(([name]) => name !== "csrf" && name !== "shown");
  sessionStorage.setItem("typed", JSON.stringify([form.closest("article").id, typed]));
}

// Where one goes on when a card is answered: the list may have changed since the page was made.
function neighbour(card) {
  const all = [...document.querySelectorAll("article.call")];
  const at = all.indexOf(card);
  return all[at + 1] || all[at - 1];
}

// A note is told once, and whoever has answered a card goes on with the one behind it.
function goOn() {
  const address = new URL(location.href);
  if (!address.searchParams.has("note")) return;
  address.searchParams.delete("note");
  const card = address.hash && document.getElementById(address.hash.slice(1));
  history.replaceState(null, "", address.pathname + address.search);
  if (!card) return;
  card.scrollIntoView();
  card.focus({ preventScroll: true });
}

function fillInAgain() {
  const [id, typed] = JSON.parse(sessionStorage.getItem("typed") || "[]");
  sessionStorage.removeItem("typed");
  const form = id && location.pathname.startsWith("/inbox/approvals/") && document.getElementById(`answer-${id}`);
  if (!form) return;
  for (const [name, text] of typed) {
    const field = form.elements[name];
    if (!field || field.value === text) continue;
    if (field.type === "checkbox") field.checked = true;
    else field.value = text;
    for (let at = field.closest("details"); at; at = at.parentElement.closest("details")) at.open = true;
  }
}

function listen() {
  const source = new EventSource(`/inbox/stream?seen=${document.getElementById("bulk").dataset.seq}`);
  source.addEventListener("error", () => {
    refresh().catch(() => tellGone("server"));
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  });
  source.addEventListener("open", () => {
    if (!document.getElementById("gone").hidden) refresh().catch(() => tellGone("server"));
  });
  let running = false;
  let again = false;
  source.addEventListener("changed", async () => {
    again = true;
    if (running) return;
    running = true;
    while (again) {
      again = false;
      await refresh().catch(() => tellGone("server"));
    }
    running = false;
  });
  addEventListener("pagehide", () => source.close());
}

function notifies() {
  const allowed = "Notification" in window && Notification.permission === "granted";
  return allowed && localStorage.getItem("notifications") !== "off";
}

function offerNotifications() {
  if (!("Notification" in window)) return;
  const notify = document.getElementById("notify");
  const silence = document.getElementById("silence");
  const show = () => {
    notify.hidden = notifies() || Notification.permission === "denied";
    silence.hidden = !notifies();
  };
  notify.addEventListener("click", async () => {
    localStorage.removeItem("notifications");
    if (Notification.permission === "default") await Notification.requestPermission();
    show();
  });
  silence.addEventListener("click", () => {
    localStorage.setItem("notifications", "off");
    show();
  });
  show();
}

function offerSearch(root) {
  for (const find of root.querySelectorAll(".find[hidden]")) {
    find.hidden = false;
    find.querySelector("input").addEventListener("input", (event) => {
      const wanted = event.target.value.toLowerCase();
      for (const line of find.parentElement.querySelectorAll(".line")) {
        line.hidden = wanted !== "" && !line.textContent.toLowerCase().includes(wanted);
      }
    });
  }
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) {
    if (event.key === "Escape") event.target.closest("article")?.focus();
    return;
  }
  const all = [...list.querySelectorAll("article.call")];
  if (!all.length) return;
  const current = document.activeElement.closest?.("article.call");
  const index = all.indexOf(current);
  if (event.key === "j" || event.key === "k") {
    const next = index < 0 ? 0 : Math.min(all.length - 1, Math.max(0, index + (event.key === "j" ? 1 : -1)));
    all[next].focus();
    event.preventDefault();
    return;
  }
  if (!current) return;
  const press = { a: "approve", d: "deny" }[event.key];
  if (press) current.querySelector(`button[value=${press}]`)?.click();
  if (event.key === "c") current.querySelector(".comment")?.focus();
  if (event.key === "e") {
    const edit = current.querySelector(".edit");
    const link = edit?.querySelector(":scope > a");
    if (link) link.click();
    else if (edit) {
      edit.open = true;
      edit.querySelector("textarea, input, select").focus();
    }
  }
  if (press || event.key === "c" || event.key === "e") event.preventDefault();
}

offerSearch(document);
goOn();

document.addEventListener("submit", keepTyped);
if (document.querySelector(".out")) fillInAgain();

if (list) {
  listen();
  offerNotifications();
  document.addEventListener("keydown", onKey);
}

if (document.querySelector("[data-expires]") || list) {
  countDown();
  setInterval(countDown, 1000);
}
