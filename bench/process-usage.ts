import { readFileSync } from 'node:fs'

/** What a process has used so far. */
export interface Usage {
  readonly cpuMs: number
  readonly residentMegabytes: number
  /** Its own part (`RssAnon`); the rest are pages of files, which the system drops when it needs the memory. */
  readonly ownMegabytes: number
}

/** Linux counts the time of processes in hundredths of a second (`sysconf(_SC_CLK_TCK)`). */
const tickMs = 10

/** From `/proc`; zero where the system has none, or the process has ended. */
export function usageOf(pid: number | undefined): Usage {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    // the name in parentheses may hold spaces; utime and stime are the 14th and 15th field
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const megabytes = (name: string) =>
      Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024
    return {
      cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs,
      residentMegabytes: megabytes('VmRSS'),
      ownMegabytes: megabytes('RssAnon'),
    }
  } catch {
    return { cpuMs: 0, residentMegabytes: 0, ownMegabytes: 0 }
  }
}
