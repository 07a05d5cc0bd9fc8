// Charts: what a figure's data-chart holds, drawn by ECharts in the colours of the page's theme.
"use strict";
(() => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const whole = (value) => Number(value).toLocaleString("zh-CN", { maximumFractionDigits: 0 });
  const share = (value, places = 1) => `${(100 * value).toFixed(places)}%`;
  const figure = (value) => Number(value).toLocaleString("zh-CN", { maximumFractionDigits: 3 });
  const said = (spec) => (value) => value === null || value === undefined ? "–" : spec.percent ? share(value) : figure(value);

  // The policy of the page forbids styles inside of text: what is shown on hover is made of elements.
  const told = (head, lines) => {
    const box = document.createElement("div");
    box.className = "chart-tip";
    for (const [place, text] of [head, ...lines].entries()) {
      const line = document.createElement(place ? "div" : "b");
      line.textContent = text;
      box.append(line);
    }
    return box;
  };
  const look = () => ({ text: css("--text"), soft: css("--soft"), line: css("--line"), panel: css("--panel"), colours: ["--c0", "--c1", "--c2", "--c3", "--c4", "--c5"].map(css) });
  const axis = (theme, more) => ({ axisLine: { lineStyle: { color: theme.line } }, axisTick: { show: false }, axisLabel: { color: theme.soft, hideOverlap: true }, splitLine: { lineStyle: { color: theme.line } }, nameTextStyle: { color: theme.soft }, ...more });
  const tip = (theme, more) => ({ confine: true, backgroundColor: theme.panel, borderColor: theme.line, textStyle: { color: theme.text, fontSize: 12 }, ...more });
  const counted = (values) => values.every((value) => value === null || Number.isInteger(value)) ? { minInterval: 1 } : {};

  // Whiskers from low to high, upright or lying.
  const whisker = (theme, data, upright) => ({
    type: "custom", data, silent: true, z: 1,
    renderItem: (_, api) => {
      const at = upright ? [[api.value(0), api.value(1)], [api.value(0), api.value(2)]] : [[api.value(1), api.value(0)], [api.value(2), api.value(0)]];
      const [[x1, y1], [x2, y2]] = at.map((pair) => api.coord(pair));
      return { type: "line", shape: { x1, y1, x2, y2 }, style: { stroke: theme.colours[5], lineWidth: 3, lineCap: "round" } };
    },
  });
  const interval = (show, row) => row.low === null || row.low === undefined ? [] : [`95% 区间 ${show(row.low)} – ${show(row.high)}`];

  const KINDS = {
    line(spec, theme) {
      const values = spec.series.flatMap((one) => one.values), show = said(spec);
      return {
        color: theme.colours,
        grid: { left: 8, right: 92, top: 16, bottom: 4, containLabel: true },
        tooltip: tip(theme, { trigger: "axis", formatter: (items) => told(items[0].axisValue, items.map((item) => `${item.seriesName} ${show(item.value)}`)) }),
        xAxis: axis(theme, { type: "category", data: spec.labels, boundaryGap: false, splitLine: { show: false } }),
        yAxis: axis(theme, { type: "value", min: 0, ...counted(values), axisLine: { show: false }, axisLabel: { color: theme.soft, formatter: spec.percent ? (v) => share(v, 0) : whole } }),
        series: spec.series.map((one) => ({
          type: "line", name: one.name, data: one.values, symbolSize: 5, showSymbol: spec.labels.length < 40, lineStyle: { width: 2 }, emphasis: { focus: "series" },
          endLabel: { show: true, color: "inherit", formatter: "{a}", distance: 6 }, labelLayout: { moveOverlap: "shiftY" },
        })),
      };
    },
    bars(spec, theme) {
      const rows = [...spec.rows].reverse();
      return {
        grid: { left: 8, right: 64, top: 4, bottom: 4, containLabel: true },
        tooltip: tip(theme, { trigger: "item", formatter: (item) => told(rows[item.dataIndex].name, [`${figure(item.value)} ${spec.unit}`, rows[item.dataIndex].note].filter(Boolean)) }),
        xAxis: axis(theme, { type: "value", show: false, ...counted(rows.map((row) => row.value)) }),
        yAxis: axis(theme, { type: "category", data: rows.map((row) => row.name), axisLine: { show: false }, axisLabel: { color: theme.text, width: 150, overflow: "truncate" } }),
        series: [{ type: "bar", data: rows.map((row) => row.value), barMaxWidth: 18, itemStyle: { color: theme.colours[0], borderRadius: 2 }, label: { show: true, position: "right", color: theme.text, formatter: (item) => figure(item.value) } }],
      };
    },
    dots(spec, theme) {
      const rows = [...spec.rows].reverse(), show = said(spec);
      const data = rows.map((row, place) => [row.value, place]);
      return {
        grid: { left: 8, right: 56, top: 4, bottom: 4, containLabel: true },
        tooltip: tip(theme, { trigger: "item", formatter: (item) => told(rows[item.dataIndex].name, [show(item.value[0]), ...interval(show, rows[item.dataIndex]), rows[item.dataIndex].note].filter(Boolean)) }),
        xAxis: axis(theme, { type: "value", scale: true, splitNumber: 4, axisLabel: { color: theme.soft, formatter: (v) => spec.percent ? share(v, 0) : figure(v) } }),
        yAxis: axis(theme, { type: "category", data: rows.map((row) => row.name), axisLine: { show: false }, axisLabel: { color: theme.text, width: 150, overflow: "truncate" } }),
        series: [
          whisker(theme, rows.map((row, place) => [place, row.low, row.high]).filter((row) => row[1] !== null && row[1] !== undefined), false),
          { type: "scatter", data, symbolSize: 9, z: 2, itemStyle: { color: theme.colours[0] }, label: { show: true, position: [14, -14], color: theme.text, fontSize: 11, formatter: (item) => show(item.value[0]) } },
        ],
      };
    },
    calibration(spec, theme) {
      const points = spec.points, show = (v) => share(v);
      const most = Math.max(...points.map((point) => point.pairs));
      const named = (point) => told(`预测 ${show(point.predicted)}`, [`实际 ${show(point.observed)}`, ...interval(show, point), `${whole(point.pairs)} 对`]);
      return {
        grid: [{ left: 46, right: 12, top: 12, height: "62%" }, { left: 46, right: 12, top: "78%", bottom: 24 }],
        tooltip: tip(theme, { trigger: "item", formatter: (item) => named(points[item.dataIndex]) }),
        xAxis: [
          axis(theme, { type: "value", min: 0, max: 1, gridIndex: 0, axisLabel: { show: false } }),
          axis(theme, { type: "value", min: 0, max: 1, gridIndex: 1, splitLine: { show: false }, axisLabel: { color: theme.soft, formatter: (v) => share(v, 0) } }),
        ],
        yAxis: [
          axis(theme, { type: "value", min: 0, max: 1, gridIndex: 0, axisLabel: { color: theme.soft, formatter: (v) => share(v, 0) } }),
          axis(theme, { type: "value", min: 0, max: most, interval: most || 1, gridIndex: 1, axisLabel: { color: theme.soft, formatter: whole }, splitLine: { show: false } }),
        ],
        series: [
          { type: "line", data: [[0, 0], [1, 1]], symbol: "none", silent: true, lineStyle: { color: theme.soft, type: "dashed", width: 1 } },
          whisker(theme, points.filter((point) => point.low !== null && point.low !== undefined).map((point) => [point.predicted, point.low, point.high]), true),
          { type: "line", data: points.map((point) => [point.predicted, point.observed]), symbol: "circle", symbolSize: 8, z: 3, itemStyle: { color: theme.colours[0] }, lineStyle: { color: theme.colours[0] } },
          {
            type: "custom", xAxisIndex: 1, yAxisIndex: 1, data: points.map((point) => [point.from, point.to, point.pairs]), encode: { x: [0, 1], y: 2 },
            renderItem: (_, api) => {
              const [x, y] = api.coord([api.value(0), api.value(2)]), [right, bottom] = api.coord([api.value(1), 0]);
              return { type: "rect", shape: { x: x + 1, y, width: right - x - 2, height: bottom - y }, style: { fill: theme.colours[5] } };
            },
          },
        ],
      };
    },
    curve(spec, theme) {
      const points = spec.points;
      return {
        grid: { left: 8, right: 20, top: 26, bottom: 22, containLabel: true },
        tooltip: tip(theme, { trigger: "item", formatter: (item) => told(`${spec.across} ${whole(points[item.dataIndex].x)}`, [`${spec.along} ${figure(points[item.dataIndex].value)}`, ...interval(figure, points[item.dataIndex])]) }),
        xAxis: axis(theme, { type: "value", name: spec.across, nameLocation: "middle", nameGap: 24, min: 0, axisLabel: { color: theme.soft, formatter: whole } }),
        yAxis: axis(theme, { type: "value", name: spec.along, scale: true }),
        series: [
          whisker(theme, points.filter((point) => point.low !== null && point.low !== undefined).map((point) => [point.x, point.low, point.high]), true),
          { type: "line", data: points.map((point) => [point.x, point.value]), symbol: "circle", symbolSize: 8, z: 3, itemStyle: { color: theme.colours[0] } },
        ],
      };
    },
    places(spec, theme) {
      const far = 1 / Math.cos((35 * Math.PI) / 180), flat = ([lat, lon]) => [lon, lat * far];
      const all = [...spec.people.map(([, ...at]) => flat(at)), ...spec.wanted.map((at) => flat(at)), ...spec.lines.flatMap(([a, b, c, d]) => [flat([a, b]), flat([c, d])])];
      const edge = (place, pick, by) => pick(...all.map((at) => at[place])) + by;
      return {
        grid: { left: 4, right: 4, top: 8, bottom: 8 },
        tooltip: tip(theme, { trigger: "item", formatter: (item) => item.seriesIndex === 2 ? told(item.name, ["经理人常驻地"]) : told(`${whole(item.value[2])} 条待派需求`, []) }),
        xAxis: { type: "value", show: false, min: edge(0, Math.min, -2), max: edge(0, Math.max, 2) },
        yAxis: { type: "value", show: false, min: edge(1, Math.min, -2), max: edge(1, Math.max, 2) },
        series: [
          { type: "lines", coordinateSystem: "cartesian2d", silent: true, data: spec.lines.map(([a, b, c, d]) => ({ coords: [flat([a, b]), flat([c, d])] })), lineStyle: { color: theme.colours[1], opacity: 0.6, curveness: 0.15 } },
          { type: "scatter", data: spec.wanted.map(([lat, lon, number]) => [...flat([lat, lon]), number]), symbolSize: (value) => 5 + 3 * Math.sqrt(value[2]), itemStyle: { color: theme.colours[2], opacity: 0.6 } },
          { type: "scatter", symbol: "diamond", symbolSize: 11, data: spec.people.map(([name, ...at]) => ({ name, value: flat(at) })), itemStyle: { color: theme.colours[0] }, label: { show: true, position: "right", color: theme.text, fontSize: 11, formatter: "{b}" }, labelLayout: { hideOverlap: true } },
        ],
      };
    },
  };
  const tall = { bars: (spec) => 26 * spec.rows.length + 12, dots: (spec) => 30 * spec.rows.length + 40 };

  const drawn = new Map();
  const draw = (root) => {
    for (const part of root.querySelectorAll("[data-chart]")) {
      if (drawn.has(part) || !window.echarts) continue;
      const spec = JSON.parse(part.dataset.chart);
      if (tall[spec.kind]) part.style.height = `${tall[spec.kind](spec)}px`;
      const chart = echarts.init(part, null, { renderer: "canvas" });
      const paint = () => chart.setOption({ animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily }, ...KINDS[spec.kind](spec, look()) }, true);
      paint();
      drawn.set(part, { chart, paint });
      new ResizeObserver(() => chart.resize()).observe(part);
    }
    for (const [part, { chart }] of drawn) if (!part.isConnected) { chart.dispose(); drawn.delete(part); }
  };
  new MutationObserver((changes) => { if (changes.some((change) => change.addedNodes.length)) draw(document); }).observe(document.body, { childList: true, subtree: true });
  const repaint = () => { for (const { paint } of drawn.values()) paint(); };
  new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  addEventListener("beforeprint", () => { for (const { chart } of drawn.values()) chart.resize(); });
  draw(document);
})();
