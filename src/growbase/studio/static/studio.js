"use strict";
// Everything here is comfort: each page works without it.
(() => {
  const $ = (query, root = document) => root.querySelector(query);
  const $$ = (query, root = document) => [...root.querySelectorAll(query)];
  const isTyping = (target) => target.closest?.("input, textarea, select, [contenteditable]");

  let at = -1;

  // -- pages that are swapped in ------------------------------------------------------------------
  function prepare(root) {
    $$("[data-lookup]", root).forEach(lookup);
    $$("[data-bulk]", root).forEach(countChosen);
    $$("[data-module]", root).forEach(mount);
    $$("[data-neighbours]", root).forEach(neighbours);
    rememberList();
  }
  // What only some pages need is a module: it exports mount(element), and is loaded where an element names it.
  async function mount(element) {
    if (element.dataset.mounted) return;
    element.dataset.mounted = "1";
    (await import(element.dataset.module)).mount(element);
  }
  // The way back from a row leads to the list as it was left.
  function rememberList() {
    const key = `list:${location.pathname}`;
    if ($("[data-list], .tools")) sessionStorage.setItem(key, location.search);
    if ($("[data-list]")) sessionStorage.setItem(`rows:${location.pathname}`, JSON.stringify(rowsOf(document)));
    $$("[data-back]").forEach((link) => {
      const path = link.getAttribute("href").split("?")[0];
      link.href = path + (sessionStorage.getItem(`list:${path}`) ?? "");
    });
  }
  // The rows before and behind this one in the list it was opened from; the list's next page is asked for at its end.
  const rowsOf = (root) => ({
    rows: $$("[data-list] [data-open]", root).map((link) => link.getAttribute("href")),
    next: $("[data-list] [rel=next]", root)?.getAttribute("href") ?? "",
  });
  async function neighbours(place) {
    const path = location.pathname, key = `rows:${path.slice(0, path.lastIndexOf("/"))}`;
    const known = JSON.parse(sessionStorage.getItem(key) ?? '{"rows": []}');
    const here = known.rows.indexOf(path);
    if (here < 0) return;
    if (here === known.rows.length - 1 && known.next) {
      const answer = await fetch(known.next);
      const more = answer.ok ? rowsOf(new DOMParser().parseFromString(await answer.text(), "text/html")) : { rows: [], next: "" };
      sessionStorage.setItem(key, JSON.stringify({ rows: [...known.rows, ...more.rows], next: more.next }));
      known.rows.push(...more.rows);
    }
    for (const [by, query] of [[-1, "[rel=prev]"], [1, "[rel=next]"]]) {
      const link = $(query, place), address = known.rows[here + by];
      link.hidden = !address;
      if (address) link.href = address;
    }
    window.htmx?.process(place);
  }
  // A form over the page it was opened from: the same page as without a script, of which only the form is shown.
  async function openForm(address) {
    const answer = await fetch(address);
    const form = answer.ok && $(".form", new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (!form) { location.href = address; return; }
    const box = $("#form-box");
    form.setAttribute("action", address.split("?")[0]);
    box.replaceChildren(form);
    box.showModal();
    prepare(box);
    window.htmx?.process(box);
    $("[data-cancel]", box).addEventListener("click", (event) => { event.preventDefault(); event.stopPropagation(); box.close(); });
    $("input:not([type=hidden], .lookup), select, textarea", form)?.focus();
  }
  const fromHere = (address) => `${address}${address.includes("?") ? "&" : "?"}back=${encodeURIComponent(location.pathname + location.search)}`;
  document.addEventListener("dblclick", (event) => {
    const cell = event.target.closest("[data-edit]");
    if (cell && !event.target.closest("a")) openForm(fromHere(cell.dataset.edit));
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-form]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    openForm(fromHere(link.getAttribute("href")));
  }, true);
  document.addEventListener("DOMContentLoaded", () => prepare(document));
  document.addEventListener("htmx:afterSettle", (event) => {
    const main = $("#main");
    if (main?.dataset.title) document.title = main.dataset.title;
    $$("[data-menu][open]").forEach((menu) => (menu.open = false));
    $("#form-box")?.close();
    prepare(event.target);
    at = -1;
    if (document.activeElement === document.body) main?.focus({ preventScroll: true });
  });

  // -- lists --------------------------------------------------------------------------------------
  function step(by) {
    const rows = $$("[data-row]");
    if (!rows.length) return;
    at = Math.min(rows.length - 1, Math.max(0, at + by));
    rows.forEach((row, place) => row.classList.toggle("at", place === at));
    $("[data-open]", rows[at])?.focus();
    rows[at].scrollIntoView({ block: "nearest" });
  }
  function countChosen(bulk) {
    const chosen = $$("[name=id]:checked", bulk.closest("form")).length;
    const isAll = $("[name=all]", bulk)?.checked;
    $("[data-bulk-count]", bulk).textContent = isAll ? "" : chosen || "";
    $("[data-bulk-go]", bulk).disabled = !chosen && !isAll;
  }
  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-list]");
    if (!form) return;
    if (event.target.matches("[data-pick-all]")) $$("[name=id]", form).forEach((box) => (box.checked = event.target.checked));
    $$("[data-bulk]", form).forEach(countChosen);
  });

  // -- references: a field to search in above the list of choices -----------------------------------
  function lookup(select) {
    if (select.previousElementSibling?.matches(".lookup")) return;
    const field = document.createElement("input");
    field.type = "search";
    field.className = "lookup";
    field.placeholder = field.ariaLabel = select.dataset.lookupText;
    field.autocomplete = "off";
    let timer;
    const load = async () => {
      const answer = await fetch(`${select.dataset.lookup}?q=${encodeURIComponent(field.value)}`);
      if (!answer.ok) return;
      const rows = await answer.json();
      const kept = [...select.options].filter((option) => !option.value || (option.selected && option.value));
      const known = new Set(kept.map((option) => option.value));
      const found = rows.filter((row) => !known.has(row.id)).map((row) => new Option(row.name, row.id));
      select.replaceChildren(...kept, ...found);
    };
    field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(load, 180); });
    if (select.dataset.lookupLoad !== undefined) field.addEventListener("focus", load, { once: true });
    if (select.dataset.lookupLoad !== undefined) select.addEventListener("focus", load, { once: true });
    if (select.options.length > 12 || select.dataset.lookupLoad !== undefined) select.before(field);
  }

  // -- changes that are not saved -----------------------------------------------------------------
  const dirty = () => $$("[data-guard]").find((form) => form.dataset.dirty === "1" && !form.dataset.sent);
  document.addEventListener("input", (event) => {
    const form = event.target.closest("[data-guard]");
    if (form && !event.target.matches(".lookup")) form.dataset.dirty = "1";
  });
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-guard]")) event.target.dataset.sent = "1";
  });
  addEventListener("beforeunload", (event) => { if (dirty()) event.preventDefault(); });
  document.addEventListener("htmx:confirm", (event) => {
    const form = dirty();
    const link = event.target.closest?.("a");
    if (!form || !link || link.matches("[data-leave]")) return;
    if (!confirm(form.dataset.guard)) event.preventDefault();
    else form.dataset.dirty = "";
  });
  document.addEventListener("click", (event) => {
    const leave = event.target.closest("[data-leave]");
    if (leave) $$("[data-guard]").forEach((form) => (form.dataset.dirty = ""));
  });

  // -- notes and menus ----------------------------------------------------------------------------
  document.addEventListener("click", (event) => {
    event.target.closest("[data-close]")?.closest(".note").remove();
    $$("[data-menu][open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
    if (event.target.closest("[data-palette-open]")) { event.preventDefault(); openPalette(); }
    const link = event.target.closest("#palette-found a");
    if (link) $("#palette").close();
  });

  // -- the palette --------------------------------------------------------------------------------
  let asked = 0, waiting;
  async function find(text) {
    const number = ++asked;
    const answer = await fetch(`/studio/search?q=${encodeURIComponent(text)}`);
    if (number !== asked || !answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = $("#palette-found");
    found.replaceChildren(...($("#found", page)?.children ?? []));
    window.htmx?.process(found);
    $("a", found)?.classList.add("at");
  }
  function openPalette() {
    const palette = $("#palette");
    if (!palette || palette.open) return;
    palette.showModal();
    const field = $("input", palette);
    field.select();
    find(field.value);
  }
  document.addEventListener("input", (event) => {
    if (!event.target.closest("[data-palette]")) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => find(event.target.value), 140);
  });
  function move(by) {
    const links = $$("#palette-found a");
    const place = links.findIndex((link) => link.classList.contains("at"));
    const next = links[Math.min(links.length - 1, Math.max(0, place + by))];
    links.forEach((link) => link.classList.toggle("at", link === next));
    next?.scrollIntoView({ block: "nearest" });
  }

  // -- keys ---------------------------------------------------------------------------------------
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); openPalette(); return; }
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s" && $("[data-key=s]")) {
      event.preventDefault();
      $("[data-key=s]").click();
      return;
    }
    const palette = $("#palette");
    if (palette?.open) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); move(event.key === "ArrowDown" ? 1 : -1); }
      if (event.key === "Enter") { event.preventDefault(); $("#palette-found a.at")?.click(); }
      return;
    }
    if (event.key === "Escape") $$("[data-menu][open]").forEach((menu) => { menu.open = false; $("summary", menu).focus(); });
    if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && $("[data-search]")) { event.preventDefault(); $("[data-search]").focus(); }
    if ($("[data-row]")) {
      if (event.key === "j") step(1);
      if (event.key === "k") step(-1);
    } else if (event.key === "j" || event.key === "k") {
      $(`[data-neighbours] [rel=${event.key === "j" ? "next" : "prev"}]:not([hidden])`)?.click();
    }
    if (event.key === "n" || event.key === "e") $(`[data-key=${event.key}]`)?.click();
  });
})();
