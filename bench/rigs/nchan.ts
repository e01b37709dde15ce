import { writeFileSync } from 'node:fs'
import https from 'node:https'
import { join } from 'node:path'
import { type FleetDevice, inParallel } from '../fleet.ts'
import { Arrivals, type Rig } from '../load.ts'
import { openProvider, send } from '../provider.ts'
import { type Place, startProgram } from './place.ts'

/** Where Debian's libnginx-mod-nchan puts the module. */
export const NCHAN_MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so'

/** Nginx with Nchan: providers post over HTTP/2, devices listen to server-sent events, both with certificates. */
export async function nchanRig(program: string, place: Place): Promise<Rig> {
  const port = place.portBase + 20
  const folder = place.folder('nchan')
  const config = join(folder, 'nginx.conf')
  writeFileSync(config, configuration(place, port, folder))
  const nginx = await startProgram(program, ['-p', folder, '-c', config], [port, port + 1])
  const arrivals = new Arrivals()
  const streams = await inParallel(place.devices.length, 16, (index) =>
    listen(place, place.devices[index] as FleetDevice, port + 1, arrivals),
  )
  const session = openProvider(place.local, `https://localhost:${port}`)
  const { topic } = place.local.provider
  return {
    name: 'Nchan',
    devices: place.devices.length,
    arrivals,
    // 201 where somebody listens, 202 where nobody does
    send: async (device, alert) => {
      const { deviceId } = place.devices[device] as FleetDevice
      return (await send(session, { path: `/3/device/${deviceId}`, topic, alert })) === 201
    },
    close: async () => {
      session.close()
      for (const stream of streams) stream.destroy()
      await nginx.stop()
    },
  }
}

function configuration({ files }: Place, port: number, folder: string): string {
  const tls = (authority: string) => `
    ssl_certificate ${files.cert};
    ssl_certificate_key ${files.key};
    ssl_client_certificate ${authority};
    ssl_verify_client on;`
  return `
load_module ${NCHAN_MODULE};
user root;
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 16384; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_header_timeout 1h;
  client_body_temp_path ${folder}/body;
  tcp_nodelay on;
  server {
    listen 127.0.0.1:${port} ssl http2;${tls(files.providerAuthority)}
    location ~ ^/3/device/(\\w+)$ {
      nchan_publisher http;
      nchan_channel_id $1;
      nchan_message_timeout 10s;
      nchan_message_buffer_length 100;
    }
  }
  server {
    listen 127.0.0.1:${port + 1} ssl;${tls(files.deviceAuthority)}
    location ~ ^/listen/(\\w+)$ {
      nchan_subscriber eventsource;
      nchan_channel_id $1;
      nchan_subscriber_first_message newest;
    }
  }
}
`
}

function listen(
  place: Place,
  { deviceId, credentials }: FleetDevice,
  port: number,
  arrivals: Arrivals,
): Promise<{ destroy(): unknown }> {
  return new Promise((resolve, reject) => {
    const call = https.get(
      {
        host: 'localhost',
        port,
        path: `/listen/${deviceId}`,
        headers: { accept: 'text/event-stream' },
        ca: place.serverAuthority,
        ...credentials,
        agent: false,
      },
      (response) => {
        if (response.statusCode !== 200) return reject(new Error(`Nchan: ${response.statusCode}`))
        readEvents(response, arrivals)
        resolve(call)
      },
    )
    call.on('error', reject)
  })
}

function readEvents(stream: NodeJS.ReadableStream, arrivals: Arrivals): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('error', () => {})
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.startsWith('data: ')) continue
      const { aps } = JSON.parse(line.slice('data: '.length)) as { aps: { alert: string } }
      arrivals.note(aps.alert)
    }
  })
}
