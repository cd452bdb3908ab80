// Looking back at a row: each step is one of its changes, the last is now.
export function mount(form) {
  const moments = JSON.parse(form.dataset.moments);
  const slider = form.querySelector("[type=range]");
  const sent = form.elements.as_of;
  const place = moments.findIndex(([moment]) => moment === sent.value);
  const tell = () => {
    const [moment, said] = moments[slider.value];
    form.querySelector("output").textContent = said;
    slider.setAttribute("aria-valuetext", said);
    sent.value = moment;
  };
  slider.value = place < 0 ? moments.length - 1 : place;
  form.hidden = false;
  tell();
  slider.addEventListener("input", tell);
  slider.addEventListener("change", () => form.requestSubmit());
}
