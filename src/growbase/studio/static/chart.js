// A figure's series over time, drawn by uPlot in the colours of the page; the table below it says the same.
const loaded = new Map();
function load(tag, attributes) {
  const address = attributes.src ?? attributes.href;
  if (!loaded.has(address)) {
    loaded.set(address, new Promise((resolve, reject) => {
      const element = Object.assign(document.createElement(tag), attributes);
      element.addEventListener("load", resolve);
      element.addEventListener("error", reject);
      document.head.append(element);
    }));
  }
  return loaded.get(address);
}

export async function mount(figure) {
  const { library, style, chart } = figure.dataset;
  await Promise.all([load("script", { src: library }), load("link", { rel: "stylesheet", href: style })]);
  const given = JSON.parse(chart);
  const place = figure.querySelector("[data-plot]");
  const seconds = given.days.map((day) => Date.parse(`${day}T00:00:00Z`) / 1000);
  const data = [seconds, ...given.series.map((one) => one.values)];
  let plot;
  const draw = () => {
    plot?.destroy();
    plot = new uPlot(options(given, place.clientWidth), data, place);
  };
  draw();
  const redraw = () => (figure.isConnected ? draw() : darkness.removeEventListener("change", redraw));
  const darkness = matchMedia("(prefers-color-scheme: dark)");
  darkness.addEventListener("change", redraw);
  new ResizeObserver(() => {
    if (place.clientWidth && place.clientWidth !== plot.width) plot.setSize({ width: place.clientWidth, height: plot.height });
  }).observe(place);
}

function options(given, width) {
  const page = getComputedStyle(document.documentElement);
  const colour = (name) => page.getPropertyValue(`--${name}`).trim();
  const language = document.documentElement.lang;
  const number = new Intl.NumberFormat(language);
  const short = new Intl.NumberFormat(language, { notation: "compact" });
  const day = new Intl.DateTimeFormat(language, { timeZone: "UTC", day: "numeric", month: "short" });
  const full = new Intl.DateTimeFormat(language, { timeZone: "UTC", dateStyle: "medium" });
  const axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  const bars = given.kind === "bars" ? { paths: uPlot.paths.bars({ size: [0.7, 60] }) } : {};
  return {
    width,
    height: 260,
    tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), "UTC"),
    cursor: { y: false, points: { size: 7 } },
    scales: { y: { range: (_, low, high) => [Math.min(0, low ?? 0), high > 0 ? high * 1.08 : 1] } },
    axes: [
      { ...axis, grid: { show: false }, space: 70, values: (_, ticks) => ticks.map((tick) => day.format(tick * 1000)) },
      { ...axis, size: 54, values: (_, ticks) => ticks.map((tick) => short.format(tick)) },
    ],
    series: [
      { label: given.day, value: (_, at) => (at == null ? "–" : full.format(at * 1000)) },
      ...given.series.map((one, place) => ({
        label: one.name,
        stroke: colour(`c${(place % 6) + 1}`),
        fill: given.kind === "bars" ? colour(`c${(place % 6) + 1}`) : undefined,
        width: 2,
        points: { show: given.days.length < 3 },
        value: (_, found) => (found == null ? "–" : number.format(found)),
        ...bars,
      })),
    ],
  };
}
