// Entry of echarts.min.js: npm i echarts@6.1.0 esbuild && npx esbuild echarts.entry.js --bundle --minify --format=iife --outfile=echarts.min.js
import * as echarts from 'echarts/core';
import { BarChart, LineChart, ScatterChart, CustomChart, LinesChart } from 'echarts/charts';
import { GridComponent, TooltipComponent, MarkLineComponent } from 'echarts/components';
import { LabelLayout } from 'echarts/features';
import { CanvasRenderer } from 'echarts/renderers';
echarts.use([BarChart, LineChart, ScatterChart, CustomChart, LinesChart, GridComponent, TooltipComponent, MarkLineComponent, LabelLayout, CanvasRenderer]);
window.echarts = { init: echarts.init };
