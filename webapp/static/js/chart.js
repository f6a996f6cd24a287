// Charts: every [data-chart] becomes a uPlot drawing with a legend that follows the pointer or the arrow keys.
// uPlot itself is fetched only when a page holds a chart. Data: see templates/components/chart.html.
(() => {
  const uplotUrl = document.currentScript.dataset.uplot;
  const charts = new Map(); // element -> {plot, data, timer}
  let library = null;

  const loadLibrary = () =>
    (library ||= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = uplotUrl;
      script.onload = () => resolve(window.uPlot);
      script.onerror = () => reject(new Error("the chart library could not be loaded"));
      document.head.append(script);
    }));

  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colour = (series, index) => token(`--chart-${series.key || index + 1}`);
  const faded = (value, alpha) => value.replace(/\)$/, ` / ${alpha})`);
  const grouped = new Intl.NumberFormat("en");
  const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
  // Lines are told apart by their dashes too, not by colour alone.
  const DASHES = [undefined, [8, 4], [2, 3], [10, 3, 2, 3], [5, 5], [14, 4]];

  function format(value, unit) {
    if (value == null) return "–";
    return unit === "%" ? `${(value * 100).toFixed(1)}%` : grouped.format(value);
  }

  // --- Time, in the zone whose days the figures are of -------------------------------------------------
  const formats = new Map();
  function inZone(zone, options) {
    const name = zone + JSON.stringify(options);
    if (!formats.has(name)) formats.set(name, new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options }));
    return formats.get(name);
  }
  const zoneOf = (data) => data.zone || "UTC";
  const stepOf = (data) => (data.x.length > 1 ? data.x[1] - data.x[0] : 86400);

  function when(data, index) {
    if (data.labels?.[index]) return data.labels[index];
    const date = { year: "numeric", month: "short", day: "numeric" };
    const time = stepOf(data) < 86400 ? { hour: "2-digit", minute: "2-digit", timeZoneName: "short" } : {};
    return inZone(zoneOf(data), { ...date, ...time }).format(data.x[index] * 1000);
  }

  /** Marks of the time axis: the day, or the hour when marks are closer than a day. */
  function timeMarks(data, marks) {
    const close = marks.length > 1 && marks[1] - marks[0] < 80000;
    return marks.map((seconds) => {
      const hour = inZone(zoneOf(data), { hour: "2-digit", minute: "2-digit" }).format(seconds * 1000);
      if (close && hour !== "00:00") return hour;
      // Marks of days may stand an hour before midnight where summer time has ended in between.
      return inZone(zoneOf(data), { day: "numeric", month: "short" }).format((seconds + (close ? 0 : 7200)) * 1000);
    });
  }

  /** Running sums, so that each bar stands on those before it. */
  function stack(series, hidden) {
    const sum = [];
    return series.map((one, index) =>
      one.values.map((value, at) => {
        if (!hidden.has(index)) sum[at] = (sum[at] || 0) + (value || 0);
        return sum[at] || 0;
      }),
    );
  }

  function lineOf(element, uPlot, series, index, data, hidden) {
    const { kind } = element.dataset;
    const bars = kind === "bars" && uPlot.paths.bars({ size: [0.72, 36], radius: 0.12 });
    const paint = colour(series, index);
    return {
      label: series.label,
      show: !hidden.has(index),
      stroke: series.before ? faded(paint, 0.9) : paint,
      width: kind === "bars" ? 0 : series.before ? 1.25 : 1.75,
      dash: kind === "bars" ? undefined : series.before ? [3, 4] : DASHES[index % DASHES.length],
      fill: series.before ? undefined : kind === "bars" ? paint : kind === "area" ? faded(paint, 0.1) : undefined,
      paths: bars || uPlot.paths.spline(),
      points: { show: data.x.length === 1 },
    };
  }

  function options(element, data, uPlot, hidden) {
    const { kind, unit, zoom } = element.dataset;
    const holder = element.querySelector("[data-chart-plot]");
    const font = `11px ${token("--font")}`;
    const axis = { stroke: token("--text-faint"), font, ticks: { show: false }, grid: { stroke: token("--chart-grid"), width: 1 } };
    const step = stepOf(data);
    return {
      width: holder.clientWidth,
      height: holder.clientHeight,
      padding: [8, 8, 0, 0],
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), zoneOf(data) === "UTC" ? "Etc/UTC" : zoneOf(data)),
      legend: { show: false },
      cursor: { y: false, points: { show: kind !== "bars", size: 7 }, drag: { x: Boolean(zoom), y: false, setScale: false } },
      scales: {
        // Bars stand around their moment: half a step of room at both ends.
        x: { range: (_, low, high) => (kind === "bars" || low === high ? [low - step / 2, high + step / 2] : [low, high]) },
        y: { range: (_, low, high) => [0, unit === "%" ? Math.min(1, Math.max(high * 1.1, 0.01)) : Math.max(high * 1.08, 4)] },
      },
      axes: [
        { ...axis, grid: { show: false }, space: 64, size: 26, values: (_, marks) => timeMarks(data, marks) },
        { ...axis, size: 46, gap: 6, values: (_, marks) => marks.map((v) => (unit === "%" ? `${+(v * 100).toFixed(1)}%` : Number.isInteger(v) ? compact.format(v) : "")) },
      ],
      series: [{}, ...data.series.map((series, index) => lineOf(element, uPlot, series, index, data, hidden))],
      hooks: {
        setCursor: [(plot) => showLegend(element, data, plot.cursor.idx)],
        setSelect: [(plot) => zoom && zoomTo(element, data, plot)],
      },
    };
  }

  /** What was dragged over becomes the page's time: two steps at least, for less is no chart. */
  function zoomTo(element, data, plot) {
    const { left, width } = plot.select;
    if (width < 8) return;
    const last = data.x.length - 1;
    const from = data.x[Math.max(0, plot.posToIdx(left))];
    const to = data.x[Math.min(last, Math.max(plot.posToIdx(left) + 1, plot.posToIdx(left + width)))] + stepOf(data);
    const address = new URL(element.dataset.zoom, location.href);
    for (const gone of ["days", "interval"]) address.searchParams.delete(gone);
    address.searchParams.set("from", new Date(from * 1000).toISOString().slice(0, 19) + "Z");
    address.searchParams.set("to", new Date(to * 1000).toISOString().slice(0, 19) + "Z");
    location.assign(address);
  }

  function showLegend(element, data, index) {
    const legend = element.querySelector("[data-chart-legend]");
    legend.querySelectorAll("[data-value]").forEach((slot, at) => {
      const text = index == null ? "" : format(data.series[at]?.values[index], element.dataset.unit);
      if (slot.textContent !== text) slot.textContent = text;
    });
    const slot = legend.querySelector("[data-when]");
    if (slot) slot.textContent = index == null ? "" : when(data, index);
  }

  function buildLegend(element, data, hidden, redraw) {
    const legend = element.querySelector("[data-chart-legend]");
    const items = data.series.map((series, index) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "chart__series";
      button.setAttribute("aria-pressed", String(!hidden.has(index)));
      const key = document.createElement("span");
      key.className = `key key--${series.key || index + 1}${series.before ? " key--before" : ""}`;
      const value = document.createElement("strong");
      value.dataset.value = "";
      button.append(key, series.label, value);
      button.addEventListener("click", () => {
        hidden.has(index) ? hidden.delete(index) : hidden.add(index);
        redraw();
      });
      item.append(button);
      return item;
    });
    const time = document.createElement("li");
    time.className = "chart__when";
    time.dataset.when = "";
    legend.replaceChildren(...items, time);
  }

  // --- Keyboard: the plot takes the focus, the arrows move from step to step, and each is read out ------
  function listen(element) {
    const holder = element.querySelector("[data-chart-plot]");
    if (holder.dataset.keys) return;
    holder.dataset.keys = "";
    holder.tabIndex = 0;
    holder.addEventListener("keydown", (event) => {
      const chart = charts.get(element);
      const last = (chart?.data.x.length || 0) - 1;
      if (!chart?.plot || last < 0) return;
      const at = chart.at ?? last + 1;
      const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      chart.at = Math.max(0, Math.min(last, to));
      chart.plot.setCursor({ left: chart.plot.valToPos(chart.data.x[chart.at], "x"), top: 10 });
      const line = document.getElementById("announce");
      const values = chart.data.series.map((series) => `${series.label} ${format(series.values[chart.at], element.dataset.unit)}`);
      if (line) line.textContent = `${when(chart.data, chart.at)}: ${values.join(", ")}`;
    });
    holder.addEventListener("blur", () => charts.get(element)?.plot?.setCursor({ left: -10, top: -10 }));
  }

  function draw(element) {
    const chart = charts.get(element);
    const holder = element.querySelector("[data-chart-plot]");
    if (!chart?.data || !holder.clientWidth) return;
    const { data, hidden } = chart;
    chart.plot?.destroy();
    element.querySelector(".chart__none")?.remove();
    buildLegend(element, data, hidden, () => draw(element));
    if (!data.series.some((series) => series.values.some((value) => value))) {
      const none = document.createElement("p");
      none.className = "chart__none";
      none.textContent = "Nothing in this period yet";
      element.append(none);
    }
    const bars = element.dataset.kind === "bars";
    const values = bars ? stack(data.series, hidden) : data.series.map((series) => series.values);
    const setup = options(element, data, window.uPlot, hidden);
    if (bars) {
      // Tallest first, so that the shorter sums are painted over it.
      setup.series = [setup.series[0], ...setup.series.slice(1).reverse()];
      values.reverse();
    }
    chart.plot = new window.uPlot(setup, [data.x, ...values], holder);
    listen(element);
  }

  async function load(element) {
    const inline = element.querySelector("[data-chart-data]");
    const old = charts.get(element);
    let data = inline ? JSON.parse(inline.textContent) : null;
    if (!data && element.dataset.url) {
      const answer = await fetch(element.dataset.url, { headers: { Accept: "application/json" } });
      if (answer.ok) data = await answer.json();
    }
    if (!data?.x) return;
    await loadLibrary();
    const chart = old || { hidden: new Set() };
    chart.text = inline?.textContent;
    chart.data = data;
    charts.set(element, chart);
    draw(element);
    sizes.observe(element.querySelector("[data-chart-plot]"));
    const seconds = Number(element.dataset.refresh);
    if (seconds && element.dataset.url && !chart.timer) {
      chart.timer = setInterval(() => {
        if (!element.isConnected) return forget(element);
        if (!document.hidden) load(element).catch(() => {});
      }, seconds * 1000);
    }
  }

  function forget(element) {
    const chart = charts.get(element);
    clearInterval(chart?.timer);
    chart?.plot?.destroy();
    charts.delete(element);
  }

  const sizes = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      const chart = charts.get(target.closest("[data-chart]"));
      if (!chart) continue;
      if (!chart.plot) draw(target.closest("[data-chart]"));
      else if (contentRect.width && Math.abs(chart.plot.width - contentRect.width) > 1) {
        chart.plot.setSize({ width: contentRect.width, height: contentRect.height });
      }
    }
  });

  function scan() {
    for (const element of charts.keys()) if (!element.isConnected) forget(element);
    for (const element of document.querySelectorAll("[data-chart]:not([data-drawn])")) {
      element.dataset.drawn = "";
      load(element).catch((error) => console.warn("chart:", error));
    }
    // A morph keeps the drawing and changes only the figures beside it: drawn again when they did change.
    for (const [element, chart] of charts) {
      const text = element.querySelector("[data-chart-data]")?.textContent;
      if (text && text !== chart.text) load(element).catch((error) => console.warn("chart:", error));
    }
  }
  scan();
  document.addEventListener("htmx:after:settle", scan);
  document.addEventListener("themechange", () => charts.forEach((_, element) => draw(element)));
})();
