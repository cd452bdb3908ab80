// A member's name is put where the text stands.
export function mount(form) {
  const text = form.querySelector("textarea");
  form.addEventListener("click", (event) => {
    const name = event.target.closest("[data-mention]")?.dataset.mention;
    if (!name) return;
    const before = text.value.slice(0, text.selectionStart);
    const space = before && !/\s$/.test(before) ? " " : "";
    text.setRangeText(`${space}@${name} `, text.selectionStart, text.selectionEnd, "end");
    text.dispatchEvent(new Event("input", { bubbles: true }));
    event.target.closest("details").open = false;
    text.focus();
  });
}
