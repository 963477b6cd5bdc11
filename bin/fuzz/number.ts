/** A number as JavaScript reads it back. */
export const printNumber = (value: number): string => (Object.is(value, -0) ? "-0" : String(value));
