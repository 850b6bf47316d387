/** Serves what Prometheus scrapes, to this machine only: a metrics port open to a network is for its owner to open. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { describeError, invalid } from './errors.js'
import { prometheusContentType } from './report/cache-prometheus.js'

const host = '127.0.0.1'

export interface MetricsServer {
  readonly url: string
  close(): void
}

/** `text` is asked for with every scrape. Errors: `invalid` when the port can't be had. */
export async function serveMetrics(port: number, text: () => string): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const isKnown = request.url === '/metrics' && (request.method === 'GET' || request.method === 'HEAD')
    response.writeHead(isKnown ? 200 : 404, {
      'Content-Type': isKnown ? prometheusContentType : 'text/plain',
    })
    response.end(request.method === 'HEAD' ? undefined : isKnown ? text() : 'GET /metrics\n')
  })
  server.listen(port, host)
  await once(server, 'listening').catch((error: unknown) => {
    throw invalid(
      `--prometheus ${port}: ${describeError(error)}`,
      'Choose another port, or 0 for any.',
      error,
    )
  })
  const address = server.address()
  const bound = typeof address === 'object' && address ? address.port : port
  return {
    url: `http://${host}:${bound}/metrics`,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
