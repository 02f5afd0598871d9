/** A worker that trains one head. It answers with the head, then with the class found for each example left out. */

import { leaveEachOut, trainHead } from "./class-head.js";

addEventListener("message", ({ data: { features, classes, count } }) => {
  postMessage({ head: trainHead(features, classes, count) });
  for (const found of leaveEachOut(features, classes, count)) postMessage({ found });
});
