/*
 * Places as geohashes: longitude and latitude cut in half again and again, 26 times each, and their bits interleaved.
 * The 52 bits are exact in the score of a sorted set.
 */

export const MAX_LONGITUDE = 180;
export const MAX_LATITUDE = 85.05112878;
export const STEPS = 26;

/** A cell of the grid that the world is cut into with `step` halvings. */
export interface Cell {
  readonly longitude: number;
  readonly latitude: number;
  readonly step: number;
}

export interface Place {
  readonly longitude: number;
  readonly latitude: number;
}

/** The sides of a cell. */
export interface Box {
  readonly west: number;
  readonly east: number;
  readonly south: number;
  readonly north: number;
}

/** The cell that a place lies in. `maxLatitude`: 90 for standard geohashes. */
export function cellOf({ longitude, latitude }: Place, step: number, maxLatitude = MAX_LATITUDE): Cell {
  const scale = 2 ** step;
  return {
    longitude: Math.floor(((longitude + MAX_LONGITUDE) / (2 * MAX_LONGITUDE)) * scale),
    latitude: Math.floor(((latitude + maxLatitude) / (maxLatitude + maxLatitude)) * scale),
    step,
  };
}

/** The bits of a cell, latitude at the even places; a number where that is exact. */
export function bitsOf({ longitude, latitude }: Cell): number | bigint {
  const low = (spread(latitude & 0xffff) | (spread(longitude & 0xffff) << 1)) >>> 0;
  const high = (spread(latitude >>> 16) | (spread(longitude >>> 16) << 1)) >>> 0;
  return high < 0x20_0000 ? high * 0x1_0000_0000 + low : (BigInt(high) << 32n) | BigInt(low);
}

/** The scores of all places within a cell: from the first up to, not including, the second. */
export function scoresOf(cell: Cell): readonly [from: number, to: number] {
  const bits = bitsOf(cell);
  const unit = 4 ** (STEPS - cell.step);
  return [Number(bits) * unit, (typeof bits === "number" ? bits + 1 : Number(bits + 1n)) * unit];
}

export function boxOf({ longitude, latitude, step }: Cell): Box {
  const scale = 2 ** step;
  const longitudes = 2 * MAX_LONGITUDE;
  const latitudes = 2 * MAX_LATITUDE;
  return {
    west: -MAX_LONGITUDE + (longitude / scale) * longitudes,
    east: -MAX_LONGITUDE + ((longitude + 1) / scale) * longitudes,
    south: -MAX_LATITUDE + (latitude / scale) * latitudes,
    north: -MAX_LATITUDE + ((latitude + 1) / scale) * latitudes,
  };
}

/** The middle of the cell that a score stands for. */
export function placeOf(score: number): Place {
  let high: number;
  let low: number;
  if (score >= 0 && score <= Number.MAX_SAFE_INTEGER) {
    const bits = Math.floor(score);
    high = Math.floor(bits / 0x1_0000_0000);
    low = bits >>> 0;
  } else {
    // No geohash, but any sorted set may be asked: as C turns such a number into one.
    const inRange = score > -(2 ** 63) && score < 2 ** 64;
    const bits = inRange ? BigInt.asUintN(64, BigInt(Math.trunc(score))) : score > 0 ? 0n : 1n << 63n;
    high = Number(bits >> 32n);
    low = Number(bits & 0xffff_ffffn);
  }
  const box = boxOf({
    latitude: squash(low) + squash(high) * 0x1_0000,
    longitude: squash(low >>> 1) + squash(high >>> 1) * 0x1_0000,
    step: STEPS,
  });
  return {
    longitude: clamp((box.west + box.east) / 2, MAX_LONGITUDE),
    latitude: clamp((box.south + box.north) / 2, MAX_LATITUDE),
  };
}

/** The cell so many columns to the east and rows to the north; the grid has no edges. */
export function neighbor(cell: Cell, east: number, north: number): Cell {
  const wrap = 2 ** cell.step;
  return {
    longitude: east === 0 ? cell.longitude : (cell.longitude + east + wrap) % wrap,
    latitude: north === 0 ? cell.latitude : (cell.latitude + north + wrap) % wrap,
    step: cell.step,
  };
}

function clamp(value: number, most: number): number {
  return Math.max(-most, Math.min(most, value));
}

/** 16 bits to the even places of 32. */
function spread(value: number): number {
  let x = value;
  x = (x | (x << 8)) & 0x00ff00ff;
  x = (x | (x << 4)) & 0x0f0f0f0f;
  x = (x | (x << 2)) & 0x33333333;
  return (x | (x << 1)) & 0x55555555;
}

/** The even places of 32 bits. */
function squash(value: number): number {
  let x = value & 0x55555555;
  x = (x | (x >>> 1)) & 0x33333333;
  x = (x | (x >>> 2)) & 0x0f0f0f0f;
  x = (x | (x >>> 4)) & 0x00ff00ff;
  return (x | (x >>> 8)) & 0xffff;
}

const ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz";

/** The standard geohash text of a place: 11 characters, of which 52 bits fill ten. */
export function geohashText(place: Place): string {
  const bits = BigInt(bitsOf(cellOf(place, STEPS, 90)));
  let text = "";
  for (let shift = 47n; shift >= 2n; shift -= 5n) text += ALPHABET[Number((bits >> shift) & 31n)];
  return `${text}0`;
}
