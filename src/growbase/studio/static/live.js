// Keeps a part of a page up to date while somebody looks at it: the element asks for its page again every few seconds.
export function mount(element) {
  const isBusy = () =>
    document.hidden ||
    element.contains(document.activeElement) && document.activeElement.matches("input, select, textarea, summary") ||
    element.querySelector(":checked:not(option)") ||
    document.querySelector("[data-menu][open], dialog[open]");
  const timer = setInterval(() => {
    if (!element.isConnected) clearInterval(timer);
    else if (!isBusy()) window.htmx?.trigger(element, "refresh");
  }, 1000 * Number(element.dataset.seconds || 4));
}
