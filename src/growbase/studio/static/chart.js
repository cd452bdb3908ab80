// A figure's series over days, drawn by uPlot in the colours of the page; the table below it says the same.
const loaded = new Map();
function load(tag, attributes) {
  const address = attributes.src ?? attributes.href;
  if (!loaded.has(address)) {
    loaded.set(address, new Promise((resolve, reject) => {
      const element = Object.assign(document.createElement(tag), attributes);
      element.addEventListener("load", resolve);
      element.addEventListener("error", () => { loaded.delete(address); reject(new Error(`${address} does not load`)); });
      document.head.append(element);
    }));
  }
  return loaded.get(address);
}

export async function mount(figure) {
  const { library, style, chart } = figure.dataset;
  const place = figure.querySelector("[data-plot]");
  try {
    await Promise.all([load("script", { src: library }), load("link", { rel: "stylesheet", href: style })]);
  } catch {
    place.remove();
    figure.querySelector("details").open = true;
    return;
  }
  const given = JSON.parse(chart);
  const seconds = given.days.map((day) => Date.parse(`${day}T00:00:00Z`) / 1000);
  const data = [seconds, ...given.series.map((one) => one.values)];
  const hidden = new Set();
  const legend = legendOf(given, (at) => {
    hidden.has(at) ? hidden.delete(at) : hidden.add(at);
    plot.setSeries(at + 1, { show: !hidden.has(at) });
    return !hidden.has(at);
  });
  place.before(legend.element);
  let plot;
  const draw = () => {
    plot?.destroy();
    plot = new uPlot(options(given, place.clientWidth, seconds, hidden, legend), data, place);
    legend.colour();
  };
  draw();
  // The colours follow the system's choice of dark or light, and the visitor's own, until the figure is gone.
  const darkness = matchMedia("(prefers-color-scheme: dark)");
  const follow = new MutationObserver(() => redraw());
  const size = new ResizeObserver(() => {
    if (!figure.isConnected) return redraw();
    if (place.clientWidth && place.clientWidth !== plot.width) plot.setSize({ width: place.clientWidth, height: plot.height });
  });
  const redraw = () => {
    if (figure.isConnected) return draw();
    darkness.removeEventListener("change", redraw);
    follow.disconnect();
    size.disconnect();
    plot.destroy();
  };
  darkness.addEventListener("change", redraw);
  follow.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  size.observe(place);
}

const name = (at) => `c${(at % 6) + 1}`;
const colourOf = (token) => getComputedStyle(document.documentElement).getPropertyValue(`--${token}`).trim();
const language = () => document.documentElement.lang;

// Buttons that show and hide a series, beside the day and the values under the pointer.
function legendOf(given, toggle) {
  const element = document.createElement("div");
  element.className = "chart-legend";
  element.setAttribute("role", "group");
  element.ariaLabel = given.legend;
  const day = document.createElement("span");
  day.className = "chart-day";
  const parts = given.series.map((one, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.ariaPressed = "true";
    const [swatch, value] = [document.createElement("i"), document.createElement("b")];
    button.append(swatch, one.name, value);
    button.addEventListener("click", () => { button.ariaPressed = String(toggle(at)); });
    element.append(button);
    return { swatch, value };
  });
  element.append(day);
  const full = new Intl.DateTimeFormat(language(), { timeZone: "UTC", dateStyle: "medium" });
  const number = new Intl.NumberFormat(language());
  return {
    element,
    colour: () => parts.forEach(({ swatch }, at) => { swatch.style.background = colourOf(name(at)); }),
    show: (place) => {
      day.textContent = place == null ? "" : full.format(Date.parse(given.days[place]));
      parts.forEach(({ value }, at) => {
        const found = place == null ? null : given.series[at].values[place];
        value.textContent = place == null ? "" : found == null ? "–" : number.format(found);
      });
    },
  };
}

function options(given, width, seconds, hidden, legend) {
  const short = new Intl.NumberFormat(language(), { notation: "compact" });
  const day = new Intl.DateTimeFormat(language(), { timeZone: "UTC", day: "numeric", month: "short" });
  const axis = { stroke: colourOf("soft"), grid: { stroke: colourOf("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  const isBars = given.kind === "bars";
  const bars = isBars ? { paths: uPlot.paths.bars({ size: [0.7, 48] }) } : {};
  const half = isBars || seconds.length < 2 ? 43_200 : 0;
  const whole = given.series.every((one) => one.values.every((value) => Number.isInteger(value ?? 0)));
  return {
    width,
    height: 260,
    padding: [12, 30, 0, 0],
    tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), "UTC"),
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    hooks: { setCursor: [(plot) => legend.show(plot.cursor.idx)] },
    scales: {
      x: { range: (_, low, high) => [low - half, high + half] },
      // Totals that hardly move would be a flat line above an empty field.
      y: { range: (_, low, high) => span(given.floor === "low" ? low : Math.min(0, low ?? 0), high) },
    },
    axes: [
      { ...axis, size: 26, grid: { show: false }, splits: (plot) => ticks(seconds, plot.width), values: (_, found) => found.map((at) => day.format(at * 1000)) },
      { ...axis, size: 46, ...(whole ? { incrs: WHOLE } : {}), values: (_, found) => found.map((at) => short.format(at)) },
    ],
    series: [
      {},
      ...given.series.map((_, at) => ({
        show: !hidden.has(at),
        stroke: colourOf(name(at)),
        fill: isBars ? colourOf(name(at)) : undefined,
        width: isBars ? 0 : 2,
        points: { show: !isBars && seconds.length < 3 },
        ...bars,
      })),
    ],
  };
}

const WHOLE = [...Array(13).keys()].flatMap((power) => [1, 2, 5].map((one) => one * 10 ** power));
// Every so many days, counted back from the last one.
function ticks(seconds, width) {
  const step = Math.max(1, Math.ceil(seconds.length / Math.max(2, Math.floor(width / 90))));
  return seconds.filter((_, at) => (seconds.length - 1 - at) % step === 0);
}
function span(low, high) {
  if (high == null || high === low) return [Math.min(0, low ?? 0), Math.max(1, (high ?? 0) * 1.08)];
  return [low, high + (high - low) * 0.08];
}
