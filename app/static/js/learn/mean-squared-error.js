/**
 * The mean of the squared differences of red, green and blue, in grey levels².
 * @param {ImageData} own @param {ImageData} wanted an image of the same size
 */
export function measureMeanSquaredError({ data: own }, { data: wanted }) {
  let sum = 0;
  for (let at = 0; at < own.length; at += 4) {
    for (let channel = at; channel < at + 3; channel++) sum += (own[channel] - wanted[channel]) ** 2;
  }
  return sum / (0.75 * own.length);
}
