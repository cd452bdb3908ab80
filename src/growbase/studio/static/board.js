// Cards are dragged to another state; what the card's own menu does not offer takes no card.
export function mount(board) {
  let card = null;
  const way = (lane) => card?.querySelector(`button[name=to][value="${lane.dataset.lane}"]`);
  const lanes = [...board.querySelectorAll("[data-lane]")];
  const clear = () => {
    card?.classList.remove("dragged");
    lanes.forEach((lane) => lane.classList.remove("open", "shut", "over"));
    card = null;
  };
  board.addEventListener("dragstart", (event) => {
    card = event.target.closest("[data-card]");
    if (!card) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", card.querySelector("a").textContent);
    card.classList.add("dragged");
    const home = card.closest("[data-lane]");
    // What the browser has begun to drag must not change before it has its picture.
    setTimeout(() => lanes.forEach((lane) => lane !== home && card && lane.classList.add(way(lane) ? "open" : "shut")));
  });
  board.addEventListener("dragover", (event) => {
    const lane = event.target.closest("[data-lane]");
    lanes.forEach((one) => one.classList.toggle("over", one === lane && Boolean(way(one))));
    if (!lane || !way(lane)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
  });
  board.addEventListener("drop", (event) => {
    const lane = event.target.closest("[data-lane]");
    const button = lane && way(lane);
    if (button) { event.preventDefault(); button.click(); }
    clear();
  });
  board.addEventListener("dragend", clear);
}
