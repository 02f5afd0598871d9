/** The views of the page. Their modules are loaded when a view is first opened. */

/** `within`: the view whose link is marked instead of its own. `retry` changes the address of a module that failed to load. */
export const views = {
  filter: {
    title: "convserve: see a kernel work",
    open: async (section, retry) => (await import(`./filters/filter-view.js${retry}`)).openFilterView(section),
  },
  digits: {
    title: "convserve: read digits",
    open: async (section, retry) => (await import(`./digits/digit-view.js${retry}`)).openDigitView(section),
  },
  classes: {
    title: "convserve: classes of your own",
    within: "digits",
    open: async (section, retry) => (await import(`./classes/classes-view.js${retry}`)).openClassesView(section),
  },
  learn: {
    title: "convserve: learn a kernel",
    open: async (section, retry) => (await import(`./learn/learn-view.js${retry}`)).openLearnView(section),
  },
  lessons: {
    title: "convserve: lessons",
    open: async (section, retry) => (await import(`./lessons/lessons-view.js${retry}`)).openLessonsView(section),
  },
  kernels: {
    title: "convserve: all kernels",
    open: async (section, retry) => (await import(`./kernels/kernels-view.js${retry}`)).openKernelsView(section),
  },
};
