// Answering: who else is writing, replies that are kept ready, and the proposed answer.
const TOLD_EVERY = 15_000;

export function mount(element) {
  if (element.matches(".waiting")) {
    element.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
    return;
  }
  const text = element.querySelector("textarea");
  if (element.dataset.writing) tell(element, text);
  kept(element, text);
  const last = element.parentElement.querySelector(".messages > :last-child");
  last?.parentElement.scrollTo({ top: last.offsetTop });
}

function tell(form, text) {
  const told = form.querySelector("[data-writers]");
  let changed = false, said = false;
  const body = (writing) => new URLSearchParams({ csrf: form.elements.csrf.value, writing: writing ? "1" : "0" });
  const ask = async () => {
    const writing = changed || (document.activeElement === text && text.value !== "" && said);
    changed = false;
    said = writing;
    try {
      const answer = await fetch(form.dataset.writing, { method: "POST", body: body(writing) });
      if (answer.ok) told.textContent = (await answer.json()).writers.join(", ");
    } catch { /* The next time tells. */ }
  };
  text.addEventListener("input", () => { changed = true; if (!said) ask(); });
  const timer = setInterval(() => (form.isConnected ? document.hidden || ask() : leave()), TOLD_EVERY);
  const leave = () => {
    clearInterval(timer);
    if (said) navigator.sendBeacon(form.dataset.writing, body(false));
    said = false;
  };
  const seen = () => { if (!form.isConnected) leave(); else if (!document.hidden) ask(); };
  document.addEventListener("visibilitychange", seen);
  addEventListener("pagehide", leave, { once: true });
  document.addEventListener("htmx:afterSettle", () => { if (!form.isConnected) leave(); }, { once: true });
}

function put(text, words, from = text.selectionStart) {
  text.setRangeText(words, from, text.selectionEnd, "end");
  text.dispatchEvent(new Event("input", { bubbles: true }));
  text.focus();
}

function kept(form, text) {
  const replies = [...form.querySelectorAll("[data-reply]")];
  const fetched = async (reply) => {
    const answer = await fetch(form.dataset.canned + reply.dataset.reply);
    return answer.ok ? (await answer.json()).text : null;
  };
  // Without scripts it would find nothing, and Enter in it would send the answer.
  form.querySelector("[data-find]")?.removeAttribute("hidden");
  form.querySelector("[data-find]")?.addEventListener("input", (event) => {
    event.stopPropagation();
    const wanted = event.target.value.toLowerCase();
    replies.forEach((one) => (one.hidden = !`${one.textContent} ${one.dataset.text}`.toLowerCase().includes(wanted)));
  });
  form.querySelector("[data-find]")?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    replies.find((one) => !one.hidden)?.click();
  });
  form.addEventListener("click", async (event) => {
    const reply = event.target.closest("[data-reply]");
    if (!reply) return;
    event.preventDefault();
    event.stopPropagation();
    const words = await fetched(reply);
    reply.closest("details").open = false;
    if (words !== null) put(text, words);
  }, true);
  // A shortcut behind a slash becomes the reply as soon as the word has ended.
  text.addEventListener("keydown", async (event) => {
    if (event.key !== " " && event.key !== "Tab") return;
    const found = /(?:^|\s)\/([a-z0-9-]+)$/.exec(text.value.slice(0, text.selectionStart));
    const reply = found && replies.find((one) => one.dataset.shortcut === found[1]);
    if (!reply) return;
    event.preventDefault();
    const from = text.selectionStart - found[1].length - 1;
    const words = await fetched(reply);
    if (words !== null) put(text, words, from);
  });
  form.parentElement.querySelector("[data-take]")?.addEventListener("click", (event) => {
    event.preventDefault();
    event.stopPropagation();
    form.elements.draft.value = event.currentTarget.dataset.take;
    text.select();
    put(text, event.currentTarget.dataset.words);
  });
}
