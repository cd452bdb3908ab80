// Posts that are dragged to another day. The form that moves them is the one of the "Move…" links.
export function mount(calendar) {
  const form = calendar.querySelector("[data-move]");
  if (!form) return;
  let dragged = null;
  const dayOf = (event) => event.target.closest?.("[data-day]");

  calendar.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-post]");
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.post);
    dragged.classList.add("is-dragged");
  });
  calendar.addEventListener("dragover", (event) => {
    const day = dayOf(event);
    if (!dragged || !day) return;
    event.preventDefault();
    calendar.querySelectorAll(".is-over").forEach((other) => other !== day && other.classList.remove("is-over"));
    day.classList.add("is-over");
  });
  calendar.addEventListener("drop", (event) => {
    const day = dayOf(event);
    if (!dragged || !day) return;
    event.preventDefault();
    if (day.contains(dragged)) return;
    form.elements.id.value = dragged.dataset.post;
    form.elements.version.value = dragged.dataset.version;
    form.elements.day.value = day.dataset.day;
    form.requestSubmit();
  });
  calendar.addEventListener("dragend", () => {
    dragged?.classList.remove("is-dragged");
    dragged = null;
    calendar.querySelectorAll(".is-over").forEach((day) => day.classList.remove("is-over"));
  });
}
