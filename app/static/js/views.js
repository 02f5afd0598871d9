/** The views of the page. Their modules are loaded when a view is first opened. */

import { loadOnDemand } from "./shared/load-on-demand.js";

/** `within`: the view whose link is marked instead of its own. */
export const views = {
  filter: {
    title: "convserve: see a kernel work",
    load: loadOnDemand((retry) => import(`./filters/filter-view.js${retry}`)),
    open: ({ openFilterView }, section) => openFilterView(section),
  },
  digits: {
    title: "convserve: read digits",
    load: loadOnDemand((retry) => import(`./digits/digit-view.js${retry}`)),
    open: ({ openDigitView }, section) => openDigitView(section),
  },
  classes: {
    title: "convserve: classes of your own",
    within: "digits",
    load: loadOnDemand((retry) => import(`./classes/classes-view.js${retry}`)),
    open: ({ openClassesView }, section) => openClassesView(section),
  },
  learn: {
    title: "convserve: learn a kernel",
    load: loadOnDemand((retry) => import(`./learn/learn-view.js${retry}`)),
    open: ({ openLearnView }, section) => openLearnView(section),
  },
  lessons: {
    title: "convserve: lessons",
    load: loadOnDemand((retry) => import(`./lessons/lessons-view.js${retry}`)),
    open: ({ openLessonsView }, section) => openLessonsView(section),
  },
  kernels: {
    title: "convserve: all kernels",
    load: loadOnDemand((retry) => import(`./kernels/kernels-view.js${retry}`)),
    open: ({ openKernelsView }, section) => openKernelsView(section),
  },
};
