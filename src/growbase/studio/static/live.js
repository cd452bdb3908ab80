// Keeps a part of a page up to date while somebody looks at it: the element asks for its page again every few seconds.
export function mount(element) {
  const part = () => document.querySelector(element.getAttribute("hx-target"));
  const isBusy = () =>
    document.hidden ||
    part()?.contains(document.activeElement) ||
    part()?.querySelector(":checked:not(option)") ||
    document.querySelector("[data-menu][open], td details[open], dialog[open]");
  const timer = setInterval(() => {
    if (!element.isConnected) clearInterval(timer);
    else if (!isBusy()) window.htmx?.trigger(element, "refresh");
  }, 1000 * Number(element.dataset.seconds || 4));
}
