import * as echarts from "echarts";

/** What bars of a ratio begin at. */
const same = 1;

export type Bars = {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly { readonly name: string; readonly value: number }[];
};

/** Bars on a logarithmic axis, as an SVG that can be read on a light page and on a dark one. */
export function drawBars({ title, unit, bars }: Bars): string {
  const chart = echarts.init(null, null, {
    renderer: "svg",
    ssr: true,
    width: 760,
    height: 90 + 34 * bars.length,
  });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: {
      text: `${title} (${unit}, logarithmic)`,
      left: 12,
      top: 8,
      textStyle: { fontSize: 14 },
    },
    grid: { left: 12, right: 90, top: 44, bottom: 12, containLabel: true },
    xAxis: {
      type: "log",
      axisLabel: { show: false },
      splitLine: { show: false },
      min: floorOf(bars),
      startValue: unit === "times" ? same : floorOf(bars),
    },
    yAxis: {
      type: "category",
      inverse: true,
      data: bars.map(({ name }) => name),
      axisLabel: { color: "#1c2733" },
    },
    series: [
      {
        type: "bar",
        barWidth: 18,
        data: bars.map(({ value }) => value),
        itemStyle: { color: "#2b6cb0" },
        label: {
          show: true,
          position: "right",
          color: "#1c2733",
          formatter: ({ value }: { value?: unknown }) => `${shown(Number(value))} ${unit}`,
        },
      },
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

export type Lines = {
  readonly title: string;
  readonly unit: string;
  /** What grows. */
  readonly along: string;
  readonly lines: readonly {
    readonly name: string;
    readonly points: readonly (readonly [x: number, y: number])[];
  }[];
};

/** Lines on two logarithmic axes: what grows in step with what is along has a slope of one. */
export function drawLines({ title, unit, along, lines }: Lines): string {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: 760, height: 380 });
  const text = { color: "#1c2733" };
  const axis = { type: "log" as const, axisLabel: text, nameTextStyle: text };
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: {
      text: `${title} (${unit}, logarithmic)`,
      left: 12,
      top: 8,
      textStyle: { fontSize: 14 },
    },
    legend: { bottom: 8, textStyle: text },
    grid: { left: 12, right: 60, top: 52, bottom: 48, containLabel: true },
    xAxis: { ...axis, name: along },
    yAxis: { ...axis, name: unit },
    series: lines.map(({ name, points }) => ({
      name,
      type: "line",
      data: points.map(([x, y]) => [x, y]),
      label: {
        show: true,
        ...text,
        formatter: ({ value }: { value?: unknown }) =>
          Array.isArray(value) ? shown(Number(value[1])) : "",
      },
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** A power of ten below the least: a logarithmic axis has no zero to begin at. */
function floorOf(bars: Bars["bars"]): number {
  const least = Math.min(...bars.map(({ value }) => value).filter((value) => value > 0));
  return 10 ** Math.floor(Math.log10(least) - 0.3);
}

function shown(value: number): string {
  return value >= 100
    ? Math.round(value).toLocaleString("en")
    : Number(value.toPrecision(2)).toString();
}
