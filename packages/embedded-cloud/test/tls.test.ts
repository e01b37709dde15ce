import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadTls } from '../src/tls.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tls-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const YEAR_MS = 365 * 86_400_000

describe('loadTls', () => {
  it('makes a CA and a certificate for this machine that a client accepts', async () => {
    const tls = await loadTls(dir, ['push.example.test'])
    const server = createServer({ cert: tls.cert, key: tls.key }, (socket) => socket.end())
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as AddressInfo
    for (const servername of ['localhost', 'push.example.test', '127.0.0.1']) {
      await expect(handshake(port, tls.ca, servername)).resolves.toBe(true)
    }
    await expect(handshake(port, tls.ca, 'other.example.test')).rejects.toThrow(/altnames/)
    server.close()
  })

  it('names ::1 too, and is fit for a server only', async () => {
    const cert = new X509Certificate((await loadTls(dir, [])).cert)
    expect(cert.checkIP('::1')).toBe('::1')
    expect(cert.ca).toBe(false)
    expect(cert.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  })

  it('keeps both over a restart', async () => {
    const first = await loadTls(dir, ['a.test'])
    expect(await loadTls(dir, ['a.test'])).toEqual(first)
    expect(readFileSync(first.caFile, 'utf8')).toBe(first.ca)
  })

  it('keeps the CA and remakes the server certificate when a name is added', async () => {
    const first = await loadTls(dir, [])
    const second = await loadTls(dir, ['a.test'])
    expect(second.ca).toBe(first.ca)
    expect(new X509Certificate(second.cert).checkHost('a.test')).toBe('a.test')
  })

  it('remakes a server certificate that is near its end', async () => {
    const first = await loadTls(dir, [])
    const later = new Date(Date.now() + YEAR_MS + 3 * 86_400_000)
    const second = await loadTls(dir, [], later)
    expect(second.cert).not.toBe(first.cert)
    expect(second.ca).toBe(first.ca)
    expect(Date.parse(new X509Certificate(second.cert).validTo)).toBeGreaterThan(+later + YEAR_MS)
  })

  it('remakes a damaged server certificate and one with a foreign key', async () => {
    const first = await loadTls(dir, [])
    writeFileSync(join(dir, 'server.pem'), 'garbage')
    const second = await loadTls(dir, [])
    writeFileSync(join(dir, 'server-key.pem'), first.key)
    const third = await loadTls(dir, [])
    expect(new Set([first.cert, second.cert, third.cert]).size).toBe(3)
    expect(third.ca).toBe(first.ca)
  })

  it('says which file is damaged rather than making a CA no client trusts', async () => {
    await loadTls(dir, [])
    rmSync(join(dir, 'ca-key.pem'))
    await expect(loadTls(dir, [])).rejects.toThrow(/ca-key\.pem is missing or does not belong/)
    writeFileSync(join(dir, 'ca-key.pem'), 'garbage')
    await expect(loadTls(dir, [])).rejects.toThrow(/delete both for a new CA/)
  })

  it('refuses a CA that has run out', async () => {
    await loadTls(dir, [])
    const later = new Date(Date.now() + 10 * YEAR_MS)
    await expect(loadTls(dir, [], later)).rejects.toThrow(/has expired or soon will/)
  })

  it('makes a new CA when a crash left only its key', async () => {
    await loadTls(dir, [])
    rmSync(join(dir, 'ca.pem'))
    await expect(loadTls(dir, [])).resolves.toBeDefined()
  })

  it('keeps the keys to their owner', async () => {
    await loadTls(dir, [])
    for (const file of ['ca-key.pem', 'server-key.pem']) {
      expect(statSync(join(dir, file)).mode & 0o777).toBe(0o600)
    }
  })
})

function handshake(port: number, ca: string, servername: string): Promise<boolean> {
  return new Promise((done, fail) => {
    const host = '127.0.0.1'
    const name = servername === host ? { host } : { host, servername }
    const socket = connect({ port, ca, ...name }, () => {
      done(socket.authorized)
      socket.destroy()
    })
    socket.on('error', fail)
  })
}
