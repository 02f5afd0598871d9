/** Colour values in 0..255. */

export const WHITE = 255;
/** Channels of a colour image. */
export const COLOURS = 3;

/** ITU-R BT.601, for sRGB values. */
const LUMA = [0.299, 0.587, 0.114].map(Math.fround);
/** ITU-R BT.709, for linear light. */
const LUMINANCE = [0.2126, 0.7152, 0.0722].map(Math.fround);

/** @param {(channel: number) => number} read one of red, green and blue @param {boolean} linear */
export const measureBrightness = (read, linear) =>
  (linear ? LUMINANCE : LUMA).reduce((sum, share, channel) => sum + share * read(channel), 0);

/** sRGB to linear light, IEC 61966-2-1. */
export const decodeSrgb = (value) => WHITE * (value / WHITE <= 0.04045 ? value / WHITE / 12.92 : ((value / WHITE + 0.055) / 1.055) ** 2.4);

/** Linear light to sRGB, IEC 61966-2-1. */
export function encodeSrgb(value) {
  const light = Math.min(Math.max(value / WHITE, 0), 1);
  return WHITE * (light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055);
}
