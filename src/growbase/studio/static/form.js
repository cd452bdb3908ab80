// A form as it is filled in: what is wrong is said when a field is left, and how much still fits while one types.
export function mount(form) {
  const $$ = (query) => [...form.querySelectorAll(query)];

  // -- what is wrong, from the server's own rules ---------------------------------------------------
  const left = new Set();
  let turn = 0;
  async function check() {
    const number = ++turn;
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.dataset.check, { method: "POST", body });
    if (!answer.ok || number !== turn) return;
    const wrong = await answer.json();
    left.forEach((name) => tell(form.elements[name], wrong[name] ?? []));
  }
  function tell(control, errors) {
    const field = control?.closest?.(".field");
    if (!field) return;
    field.classList.toggle("wrong", errors.length > 0);
    let about = field.querySelector("[data-about]");
    if (!about) {
      about = Object.assign(document.createElement("div"), { id: `h-${control.name}` });
      about.dataset.about = "";
      field.append(about);
      control.setAttribute("aria-describedby", about.id);
    }
    about.querySelectorAll(".error").forEach((one) => one.remove());
    about.prepend(...errors.map((text) => Object.assign(document.createElement("p"), { className: "error", textContent: text })));
    errors.length ? control.setAttribute("aria-invalid", "true") : control.removeAttribute("aria-invalid");
  }
  form.addEventListener("change", (event) => {
    if (!event.target.name || event.target.matches(".lookup, [type=hidden], [type=file]")) return;
    left.add(event.target.name);
    check();
  });

  // -- how much still fits ----------------------------------------------------------------------------
  form.addEventListener("input", ({ target }) => {
    if (!(target.maxLength > 0)) return;
    let told = target.nextElementSibling?.matches(".left") ? target.nextElementSibling : null;
    const rest = target.maxLength - target.value.length;
    if (rest > Math.max(20, target.maxLength / 5)) { told?.remove(); return; }
    if (!told) target.after((told = Object.assign(document.createElement("span"), { className: "left hint" })));
    told.textContent = form.dataset.left.replace("{count}", rest);
  });

  // -- lines of a list ----------------------------------------------------------------------------------
  $$("[data-add-line]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      const last = [...button.parentElement.querySelectorAll(".item")].at(-1);
      const copy = last.cloneNode(true);
      const next = (text) => text.replace(/\.(\d+)\./, (_, number) => `.${Number(number) + 1}.`);
      for (const element of copy.querySelectorAll("[name], [id], [for], [aria-describedby]")) {
        for (const name of ["name", "id", "for", "aria-describedby"]) {
          if (element.hasAttribute(name)) element.setAttribute(name, next(element.getAttribute(name)));
        }
        if (element.matches("[type=checkbox]")) element.checked = false;
        else if (element.matches("input, textarea, select")) element.value = "";
      }
      copy.querySelectorAll(".lookup").forEach((one) => one.remove());
      copy.setAttribute("aria-label", copy.getAttribute("aria-label")?.replace(/\d+$/, (number) => Number(number) + 1) ?? "");
      last.after(copy);
      copy.querySelector("input, textarea, select")?.focus();
    });
  });
}
