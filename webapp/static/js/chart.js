// Charts: every [data-chart] becomes a uPlot drawing with a legend that follows the pointer.
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

  function format(value, unit) {
    if (value == null) return "–";
    return unit === "%" ? `${(value * 100).toFixed(1)}%` : grouped.format(value);
  }

  function when(seconds, step) {
    const text = new Date(seconds * 1000).toISOString();
    return step >= 86400 ? text.slice(0, 10) : `${text.slice(0, 16).replace("T", " ")} UTC`;
  }

  const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  /** Marks of the time axis, in UTC like every figure: the day, or the hour when marks are closer than a day. */
  function timeMarks(marks) {
    const close = marks.length > 1 && marks[1] - marks[0] < 86400;
    return marks.map((seconds) => {
      const at = new Date(seconds * 1000);
      const midnight = seconds % 86400 === 0;
      return close && !midnight ? at.toISOString().slice(11, 16) : `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}`;
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

  function options(element, data, uPlot, hidden) {
    const { kind, unit } = element.dataset;
    const holder = element.querySelector("[data-chart-plot]");
    const font = `11px ${token("--font")}`;
    const axis = { stroke: token("--text-faint"), font, ticks: { show: false }, grid: { stroke: token("--chart-grid"), width: 1 } };
    const bars = kind === "bars" && uPlot.paths.bars({ size: [0.72, 36], radius: 0.12 });
    const step = data.x.length > 1 ? data.x[1] - data.x[0] : 86400;
    const smooth = uPlot.paths.spline();
    return {
      width: holder.clientWidth,
      height: holder.clientHeight,
      padding: [8, 8, 0, 0],
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), "Etc/UTC"),
      legend: { show: false },
      cursor: { y: false, points: { show: kind !== "bars", size: 7 }, drag: { x: false, y: false } },
      scales: {
        // Bars stand around their moment: half a step of room at both ends.
        x: { range: (_, low, high) => (bars || low === high ? [low - step / 2, high + step / 2] : [low, high]) },
        y: { range: (_, low, high) => [0, unit === "%" ? Math.min(1, Math.max(high * 1.1, 0.01)) : Math.max(high * 1.08, 4)] },
      },
      axes: [
        { ...axis, grid: { show: false }, space: 64, size: 26, values: (_, marks) => timeMarks(marks) },
        { ...axis, size: 46, gap: 6, values: (_, marks) => marks.map((v) => (unit === "%" ? `${Math.round(v * 100)}%` : Number.isInteger(v) ? compact.format(v) : "")) },
      ],
      series: [
        {},
        ...data.series.map((series, index) => ({
          label: series.label,
          show: !hidden.has(index),
          stroke: colour(series, index),
          width: kind === "bars" ? 0 : 1.75,
          fill: kind === "bars" ? colour(series, index) : kind === "area" ? faded(colour(series, index), 0.1) : undefined,
          paths: bars || smooth,
          points: { show: data.x.length === 1 },
        })),
      ],
      hooks: { setCursor: [(plot) => showLegend(element, data, plot.cursor.idx, hidden)] },
    };
  }

  function showLegend(element, data, index, hidden) {
    const legend = element.querySelector("[data-chart-legend]");
    const step = data.x.length > 1 ? data.x[1] - data.x[0] : 86400;
    legend.querySelectorAll("[data-value]").forEach((slot, at) => {
      const text = index == null ? "" : format(data.series[at].values[index], element.dataset.unit);
      if (slot.textContent !== text) slot.textContent = text;
    });
    legend.querySelector("[data-when]").textContent = index == null ? "" : when(data.x[index], step);
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
      key.className = `key key--${series.key || index + 1}`;
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
