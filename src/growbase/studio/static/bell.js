// Asks once a minute whether there is something new; each page that is opened tells it as well.
export function mount(bell) {
  setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch("/studio/notifications/unread");
      if (!answer.ok) return;
      const { unread } = await answer.json();
      const link = bell.querySelector("#bell"), count = link.querySelector("[data-count]");
      count.textContent = unread ? (unread > 99 ? "99+" : unread) : "";
      link.setAttribute("aria-label", unread ? `${bell.dataset.name} (${count.textContent})` : bell.dataset.name);
    } catch { /* The next minute tells. */ }
  }, 60_000);
}
